//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiter"
	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const size = 4

// run runs main with a pool, and checks that it leaves no connection.
func run(t *testing.T, url string, main func(ctx context.Context, p *Pool) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		p, err := Open(ctx, url, size)
		if err != nil {
			return err
		}
		defer p.Close(ctx)
		err = main(ctx, p)
		if s := p.Statistics(); s.InUse != 0 {
			t.Errorf("connections in use: %d", s.InUse)
		}
		for p.pool.Stat().AcquiredConns() > 0 && err == nil { // pgx closes broken ones by and by
			err = aio.Sleep(ctx, time.Millisecond)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for n := 0; n != 1; time.Sleep(time.Millisecond) { // the server ends them in its own time
		err := conn.QueryRow(t.Context(),
			"SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'").Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func execute(ctx context.Context, p *Pool, query string, args ...any) error {
	_, err := Do(ctx, p, func(ctx context.Context, conn *pgxpool.Conn) (any, error) {
		return conn.Exec(ctx, query, args...)
	})
	return err
}

func one[T any](ctx context.Context, p *Pool, query string, args ...any) (T, error) {
	return Do(ctx, p, func(ctx context.Context, conn *pgxpool.Conn) (v T, err error) {
		return v, conn.QueryRow(ctx, query, args...).Scan(&v)
	})
}

// A statement that may be made again: it counts each operation once.
const count = `WITH new AS (INSERT INTO operations VALUES ($1) ON CONFLICT DO NOTHING RETURNING 1)
	UPDATE totals SET total = total + (SELECT count(*) FROM new) WHERE id = $1 % 10`

func TestTheAccountIsExactThroughTheDeathOfTheServer(t *testing.T) {
	server, url := serve(t)
	run(t, url, func(ctx context.Context, p *Pool) error {
		err := execute(ctx, p, `CREATE TABLE operations (id int PRIMARY KEY);
			CREATE TABLE totals (id int PRIMARY KEY, total int);
			INSERT INTO totals SELECT i, 0 FROM generate_series(0, 9) i`)
		if err != nil {
			return err
		}
		account, err := trial.Run(ctx, 1, trial.Size(), func(ctx context.Context, id int) error {
			if id%2 == 0 {
				return execute(ctx, p, count, id)
			}
			return p.Tx(ctx, func(ctx context.Context, tx *Tx) error {
				_, err := DoTx(ctx, tx, func(ctx context.Context, tx pgx.Tx) (any, error) {
					return tx.Exec(ctx, count, id)
				})
				return err
			})
		}, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error {
				server.Kill()
				server.Restart()
				return nil
			})
		})
		if err != nil {
			return err
		}
		t.Log(account)
		if account.Failures == 0 {
			t.Error("nobody has noticed the death of the server")
		}
		total, err := one[int](ctx, p, "SELECT sum(total) FROM totals")
		if err != nil {
			return err
		}
		made := map[int]bool{}
		for id, err := range Rows(ctx, p, pgx.RowTo[int], "SELECT id FROM operations") {
			if err != nil {
				return err
			}
			if made[id] = true; !account.Done[id] && !account.Cancelled[id] {
				t.Errorf("operation %d was never made", id)
			}
		}
		if total != len(made) {
			t.Errorf("total: %d, operations: %d", total, len(made))
		}
		for id := range account.Done {
			if !made[id] {
				t.Errorf("operation %d is lost", id)
			}
		}
		return nil
	})
}

func TestACancellationReachesTheServerAndLeavesTheConnection(t *testing.T) {
	_, url := serve(t)
	run(t, url, func(ctx context.Context, p *Pool) error {
		running := func(ctx context.Context) ([]int, error) {
			return aiter.Collect(Rows(ctx, p, pgx.RowTo[int], `SELECT pid FROM pg_stat_activity
				WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid() AND state = 'active'`))
		}
		var sleepers []*aio.Task[aio.None]
		for range size - 1 {
			sleepers = append(sleepers, aio.Start(ctx, func(ctx context.Context) error {
				return execute(ctx, p, "SELECT pg_sleep(3600)")
			}))
		}
		var active []int
		var err error
		for len(active) < size-1 && err == nil {
			active, err = running(ctx)
		}
		for _, s := range sleepers {
			s.Cancel(nil)
		}
		if err == nil {
			_, err = aio.GatherSettled(ctx, sleepers...)
		}
		if err != nil {
			return err
		}
		for _, s := range sleepers {
			if !s.Cancelled() {
				t.Errorf("the outcome: %v", s.Err())
			}
		}
		if still, err := running(ctx); err != nil || len(still) > 0 {
			t.Errorf("%d statements still run, error: %v", len(still), err)
		}
		alive, err := aiter.CollectSet(Rows(ctx, p, pgx.RowTo[int],
			"SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"))
		for _, pid := range active {
			if _, ok := alive[pid]; !ok {
				t.Errorf("a connection was closed: the server process %d is gone", pid)
			}
		}
		return err
	})
}

func TestABatchAndACopyAreOneCallEach(t *testing.T) {
	_, url := serve(t)
	run(t, url, func(ctx context.Context, p *Pool) error {
		if err := execute(ctx, p, "CREATE TABLE points (x int, y int)"); err != nil {
			return err
		}
		_, err := Do(ctx, p, func(ctx context.Context, conn *pgxpool.Conn) (any, error) {
			var b pgx.Batch
			b.Queue("INSERT INTO points VALUES (1, 1)")
			b.Queue("INSERT INTO points VALUES (2, 4)")
			return nil, conn.SendBatch(ctx, &b).Close()
		})
		if err != nil {
			return err
		}
		n, err := Do(ctx, p, func(ctx context.Context, conn *pgxpool.Conn) (int64, error) {
			return conn.CopyFrom(ctx, pgx.Identifier{"points"}, []string{"x", "y"},
				pgx.CopyFromSlice(1_000, func(i int) ([]any, error) { return []any{i, i * i}, nil }))
		})
		if err != nil {
			return err
		}
		total, err := one[int](ctx, p, "SELECT count(*) FROM points")
		if n != 1_000 || total != 1_002 {
			t.Errorf("copied %d, there are %d", n, total)
		}
		return err
	})
}

func TestNotificationsAreASequence(t *testing.T) {
	server, url := serve(t)
	run(t, url, func(ctx context.Context, p *Pool) error {
		got := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			notify := func(ctx context.Context) error {
				for i := range 200 {
					err := execute(ctx, p, "SELECT pg_notify('a channel', $1)", fmt.Sprint(i))
					if err != nil {
						return err
					}
				}
				return nil
			}
			for n, err := range p.Listen(ctx, func() { g.Go(notify) }, "a channel") {
				if err != nil {
					return err
				}
				if n.Payload != fmt.Sprint(got) {
					t.Errorf("notification %d is %q", got, n.Payload)
				}
				if got++; got == 200 {
					break
				}
			}
			return nil
		})
		if err != nil {
			return err
		}

		// a task that is cancelled while it listens
		listening := aio.NewFuture[aio.None](ctx)
		task := aio.Start(ctx, func(ctx context.Context) error {
			for _, err := range p.Listen(ctx, func() { _ = listening.SetResult(aio.None{}) }, "x") {
				return err
			}
			return nil
		})
		if _, err := listening.Await(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("error: %v", err)
		}

		// the server dies: the sequence ends with an error, and Retry listens anew
		times := 0
		backoff := aiter.Backoff{First: time.Millisecond, Max: 10 * time.Millisecond}
		var restart *aio.Task[aio.None]
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			begun := func() {
				if times++; times == 1 {
					restart = g.Go(func(ctx context.Context) error {
						return aio.Blocking(ctx, func(context.Context) error {
							server.Kill()
							server.Restart()
							return nil
						})
					})
					return
				}
				g.Go(func(ctx context.Context) error {
					if _, err := restart.Await(ctx); err != nil {
						return err
					}
					// the pool may still have connections to the server that died
					for execute(ctx, p, "NOTIFY x, 'hello'") != nil {
						if err := aio.Sleep(ctx, time.Millisecond); err != nil {
							return err
						}
					}
					return nil
				})
			}
			for n, err := range aiter.Retry(ctx, backoff, func(ctx context.Context, _ int) iter.Seq2[*pgconn.Notification, error] {
				return p.Listen(ctx, begun, "x")
			}) {
				if err != nil {
					return err
				}
				if n.Payload == "hello" {
					break
				}
			}
			return nil
		})
	})
}

func TestLeavingTheLoopOverRowsEndsTheQuery(t *testing.T) {
	_, url := serve(t)
	run(t, url, func(ctx context.Context, p *Pool) error {
		for i := range 5 {
			n := 0
			for _, err := range Rows(ctx, p, pgx.RowTo[int], "SELECT generate_series(1, 100000000)") {
				if err != nil {
					return err
				}
				if n++; n > i*80 {
					break
				}
			}
		}
		return nil
	})
}
