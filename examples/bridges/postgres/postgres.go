// Package postgres lets tasks use pgx itself, without package database/sql: a pool, batches, COPY,
// LISTEN and NOTIFY, and types that database/sql does not know.
package postgres

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiter"
)

// Pool is connections for the tasks of one loop.
type Pool struct {
	pool   *pgxpool.Pool
	conns  *aiosync.Limiter // a token for each connection
	listen *pgx.ConnConfig
}

// Open makes a pool of at most n connections, and the first of them. After an error nothing is left
// open.
func Open(ctx context.Context, url string, n int) (*Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	p := &Pool{conns: aiosync.NewLimiter(n), listen: config.ConnConfig.Copy()}
	config.MaxConns = int32(n)
	// By default pgx closes the connection of a cancelled statement, which the server may still
	// work on. With this handler the server is told, and the connection stays.
	config.ConnConfig.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 5 * time.Second}
	}
	p.pool, err = aio.ToThread(ctx, func(ctx context.Context) (*pgxpool.Pool, error) {
		pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
		if err != nil {
			return nil, err
		}
		if err := pool.Ping(ctx); err != nil {
			pool.Close()
			return nil, err
		}
		return pool, nil
	}, aio.Joined())
	if err != nil {
		return nil, err
	}
	return p, nil
}

// Close closes the connections. Call it in a defer; it waits for the calls under way.
func (p *Pool) Close(ctx context.Context) {
	_ = aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error {
		p.pool.Close()
		return nil
	})
}

// Do calls fn, off the loop, with a connection: for a statement, a batch or COPY. fn must read its
// rows itself, as pgx.CollectRows does.
//
// Cancellation: while it waits for a connection nothing happens. Later the server is told to end
// the statement, and waited for: at most 5 seconds, then the connection is closed. What was
// completed all the same is returned.
func Do[T any](
	ctx context.Context, p *Pool, fn func(ctx context.Context, conn *pgxpool.Conn) (T, error),
) (T, error) {
	return aio.ToThread(ctx, func(ctx context.Context) (v T, err error) {
		conn, err := p.pool.Acquire(ctx)
		if err != nil {
			return v, err
		}
		defer conn.Release()
		return fn(ctx, conn)
	}, aio.LimitedBy(p.conns), aio.Joined())
}

// Tx is a transaction whose statements are awaits. It serves one task at a time.
type Tx struct {
	tx   pgx.Tx
	turn aiosync.Lock
}

// Tx calls fn in a transaction, and commits it if fn returns nil.
//
// Cancellation: the statement that runs is ended, and the transaction is rolled back. A commit that
// has begun is not ended: then Tx returns its outcome, and the next await fails.
func (p *Pool) Tx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	tx := &Tx{}
	if err := p.conns.AcquireFor(ctx, tx); err != nil {
		return err
	}
	defer p.conns.ReleaseFor(tx)
	free := context.WithoutCancel(ctx)
	var err error
	if tx.tx, err = aio.ToThread(ctx, p.pool.Begin, aio.LimitedBy(nil), aio.Joined()); err != nil {
		return err
	}
	// It does nothing after a commit.
	defer aio.Blocking(free, func(ctx context.Context) error { return tx.tx.Rollback(ctx) },
		aio.LimitedBy(nil))
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := aio.Yield(ctx); err != nil {
		return err
	}
	return aio.Blocking(free, func(ctx context.Context) error { return tx.tx.Commit(ctx) },
		aio.LimitedBy(nil))
}

// DoTx calls fn, off the loop, with a transaction.
//
// Cancellation: as for Do. The transaction cannot go on after it.
func DoTx[T any](
	ctx context.Context, tx *Tx, fn func(ctx context.Context, tx pgx.Tx) (T, error),
) (v T, err error) {
	err = tx.turn.With(ctx, func(ctx context.Context) error {
		v, err = aio.ToThread(ctx, func(ctx context.Context) (T, error) { return fn(ctx, tx.tx) },
			aio.LimitedBy(nil), aio.Joined())
		return err
	})
	return v, err
}

// Rows is the sequence of the rows of a query. It has a connection while the loop runs. Rows are
// fetched as the loop body takes them.
//
// Cancellation: the query is ended.
func Rows[T any](
	ctx context.Context, p *Pool, to pgx.RowToFunc[T], query string, args ...any,
) iter.Seq2[T, error] {
	return aiter.FromThread(ctx, 100, func(ctx context.Context, yield func(T) bool) error {
		// Leaving the loop ends ctx, and with it the query.
		rows, err := p.pool.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			v, err := to(rows)
			if err != nil || !yield(v) {
				return err
			}
		}
		return rows.Err()
	}, aio.LimitedBy(p.conns))
}

// Listen is the sequence of the notifications of some channels. It has a connection of its own,
// which is not one of the pool. A slow loop body lets them queue up at the server. listening, if
// not nil, is called on the loop when no notification can be missed any more: this is the moment to
// read the state. The sequence ends with an error if the connection does; aiter.Retry listens anew.
//
// Cancellation: the connection is closed.
func (p *Pool) Listen(
	ctx context.Context, listening func(), channels ...string,
) iter.Seq2[*pgconn.Notification, error] {
	loop := aio.RunningLoop(ctx)
	return aiter.FromThread(ctx, 0,
		func(ctx context.Context, yield func(*pgconn.Notification) bool) (err error) {
			conn, err := pgx.ConnectConfig(ctx, p.listen)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeSoon(conn)) }()
			for _, c := range channels {
				if _, err := conn.Exec(ctx, "LISTEN "+pgx.Identifier{c}.Sanitize()); err != nil {
					return err
				}
			}
			if listening != nil {
				_, _ = loop.CallSoonThreadsafe(listening) // no loop: nobody listens
			}
			for {
				n, err := conn.WaitForNotification(ctx)
				if err != nil || !yield(n) {
					return err
				}
			}
		})
}

// closeSoon says goodbye to the server, and closes the connection if it does not answer.
func closeSoon(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return conn.Close(ctx)
}

// Statistics is the result of [Pool.Statistics].
type Statistics struct{ Max, InUse, Waiting int }

// Statistics counts connections, and tasks that wait for one.
func (p *Pool) Statistics() Statistics {
	s := p.conns.Statistics()
	return Statistics{s.Total, s.Borrowed, s.Waiting}
}
