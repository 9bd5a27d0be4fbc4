package aiosql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/aiosync"
)

// insert is the function of a transaction that does one statement.
func insert(ctx context.Context, tx *aiosql.Tx) error {
	_, err := tx.Exec(ctx, "insert")
	return err
}

func TestATransactionIsCommittedWhenItsFunctionReturns(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		var leaked *aiosql.Tx
		err := db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			leaked = tx
			for p, err := range aiosql.Query[person](ctx, tx, "rows 3") {
				if err != nil || p.ID > 2 {
					return err
				}
			}
			return insert(ctx, tx)
		}, aiosql.ReadOnly(), aiosql.Isolation(sql.LevelSerializable))
		if err != nil {
			return err
		}
		if _, err := leaked.Exec(ctx, "late"); err != sql.ErrTxDone {
			t.Errorf("a statement after the end: %v", err)
		}
		for _, err := range leaked.Query(ctx, "rows 1") {
			if err != sql.ErrTxDone {
				t.Errorf("a query after the end: %v", err)
			}
		}
		return nil
	})
	f.want(t, "1: begin read only Serializable", "1: closed after 3", "1: insert", "1: commit")
}

func TestATransactionWhoseFunctionFailsIsRolledBack(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		no := errors.New("no")
		err := db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			return errors.Join(insert(ctx, tx), no)
		})
		if !errors.Is(err, no) {
			t.Errorf("Tx returned %v", err)
		}
		f.want(t, "1: begin", "1: insert", "1: rollback")

		func() {
			defer func() {
				if v := recover(); v != "ouch" {
					t.Errorf("the panic is %v", v)
				}
			}()
			db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				if err := insert(ctx, tx); err != nil {
					return err
				}
				panic("ouch")
			})
		}()
		f.want(t, "1: begin", "1: insert", "1: rollback")

		task := aio.Start(ctx, func(ctx context.Context) error {
			return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				if err := insert(ctx, tx); err != nil {
					return err
				}
				runtime.Goexit()
				return nil
			})
		})
		var gone *aio.GoexitError
		if _, err := task.Await(ctx); !errors.As(err, &gone) {
			t.Errorf("the task ended with %v", err)
		}
		f.want(t, "1: begin", "1: insert", "1: rollback")
		if s := db.Statistics(); s.InUse != 0 {
			t.Errorf("the statistics are %+v", s)
		}
		return nil
	})
}

func TestACancelledTransactionIsRolledBackBeforeItEnds(t *testing.T) {
	for name, body := range map[string]func(ctx context.Context, tx *aiosql.Tx, f *fake) error{
		"in a statement": func(ctx context.Context, tx *aiosql.Tx, f *fake) error {
			_, err := tx.Exec(ctx, "hang")
			return err
		},
		"in another wait": func(ctx context.Context, tx *aiosql.Tx, f *fake) error {
			f.began <- "waiting"
			return aio.NewWaiter(ctx, "test", nil).Park()
		},
		"that it ignores": func(ctx context.Context, tx *aiosql.Tx, f *fake) error {
			f.began <- "waiting"
			aio.NewWaiter(ctx, "test", nil).Park()
			return nil
		},
		"among rows": func(ctx context.Context, tx *aiosql.Tx, f *fake) error {
			for _, err := range tx.Query(ctx, "slow 3") {
				if err != nil {
					return err
				}
			}
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, f := newDB(t)
			run(t, func(ctx context.Context) error {
				task := aio.Start(ctx, func(ctx context.Context) error {
					return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
						if err := insert(ctx, tx); err != nil {
							return err
						}
						return body(ctx, tx, f)
					})
				})
				if _, err := f.beganOne(ctx); err != nil {
					return err
				}
				task.Cancel(nil)
				if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) || !task.Cancelled() {
					t.Errorf("it ended with %v", err)
				}
				f.mu.Lock()
				defer f.mu.Unlock()
				if last := f.log[len(f.log)-1]; last != "1: rollback" || len(f.committed) != 0 {
					t.Errorf("what happened: %q", f.log)
				}
				if s := db.Statistics(); s.InUse != 0 || f.calls != 0 {
					t.Errorf("the statistics are %+v", s)
				}
				return nil
			})
		})
	}
}

// The block around is over, but the statements and the transaction are given the context from
// outside of it.
func TestABlockThatIsCancelledRollsBackAlsoWithTheContextAround(t *testing.T) {
	db, f := newDB(t)
	run(t, func(around context.Context) error {
		return aio.Group(around, func(ctx context.Context, g *aio.TaskGroup) error {
			//aiovet:ignore the context around is what the test is about
			err := db.Tx(around, func(_ context.Context, tx *aiosql.Tx) error {
				if err := insert(around, tx); err != nil { //aiovet:ignore see above
					return err
				}
				g.Cancel(errors.New("enough"))
				//aiovet:ignore see above
				if err := insert(around, tx); !errors.Is(err, aio.ErrCancelled) {
					t.Errorf("a statement after the cancellation: %v", err)
				}
				return nil
			})
			if !errors.Is(err, aio.ErrCancelled) {
				t.Errorf("Tx returned %v", err)
			}
			return nil
		})
	})
	f.want(t, "1: begin", "1: insert", "1: rollback")
}

func TestACommitThatIsUnderWayIsNotCancelled(t *testing.T) {
	db, f := newDB(t)
	f.set("slow commit", true)
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			if err := db.Tx(ctx, insert); err != nil {
				t.Errorf("Tx returned %v", err)
			}
			return nil
		})
		if _, err := f.beganOne(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		if err := aio.Send(ctx, f.gate, 0); err != nil {
			return err
		}
		task.Await(ctx)
		return nil
	})
	f.want(t, "1: begin", "1: insert", "1: commit")
}

func TestATransactionThatIsCancelledWhileItBeginsNeverDoes(t *testing.T) {
	db, f := newDB(t)
	f.set("slow begin", true)
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return db.Tx(ctx, insert) })
		if _, err := f.beganOne(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("it ended with %v", err)
		}
		f.set("slow begin", false)
		return db.Tx(ctx, insert)
	})
	f.want(t, "1: begin", "1: insert", "1: commit")
}

// A connection on which the end of a transaction failed may be in the middle of it. It must not
// serve the next.
func TestAConnectionIsGivenUpWhenItsTransactionCannotEnd(t *testing.T) {
	db, f := newDB(t)
	f.set("commit", true)
	run(t, func(ctx context.Context) error {
		if err := db.Tx(ctx, insert); !errors.Is(err, errFake) {
			t.Errorf("Tx returned %v", err)
		}
		f.set("commit", false)
		return db.Tx(ctx, insert)
	})
	f.want(t, "1: begin", "1: insert", "2: begin", "2: insert", "2: commit")

	f.set("rollback", true)
	run(t, func(ctx context.Context) error {
		db := aiosql.New(db.SQL())
		no := errors.New("no")
		if err := db.Tx(ctx, func(context.Context, *aiosql.Tx) error { return no }); err != no {
			t.Errorf("Tx returned %v", err)
		}
		f.set("rollback", false)
		return db.Tx(ctx, insert)
	})
	f.want(t, "2: begin", "3: begin", "3: insert", "3: commit")
}

func TestABeginThatFailsGivesTheConnectionBack(t *testing.T) {
	db, f := newDB(t, aiosql.MaxConns(1))
	f.set("begin", true)
	run(t, func(ctx context.Context) error {
		if err := db.Tx(ctx, insert); !errors.Is(err, errFake) {
			t.Errorf("Tx returned %v", err)
		}
		f.set("begin", false)
		return db.Tx(ctx, insert)
	})
}

// Many transactions, few connections, and fewer threads: those who wait for a connection take none
// of the threads that those who have one need.
func TestTransactionsDoNotStarveEachOtherOfThreads(t *testing.T) {
	db, f := newDB(t, aiosql.MaxConns(2))
	run(t, func(ctx context.Context) error {
		_, err := aio.Map(ctx, make([]aio.None, 50),
			func(ctx context.Context, _ aio.None) (aio.None, error) {
				return aio.None{}, db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
					for range 3 {
						if err := insert(ctx, tx); err != nil {
							return err
						}
						if err := aio.Yield(ctx); err != nil {
							return err
						}
					}
					return nil
				})
			})
		return err
	}, aio.WithThreadLimiter(1))
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.committed) != 150 || f.conns > 2 || f.most > 2 {
		t.Errorf("%d statements on %d connections, %d at a time", len(f.committed), f.conns, f.most)
	}
}

func TestTransactionsBeginInTheOrderInWhichTheyWereAskedFor(t *testing.T) {
	db, _ := newDB(t, aiosql.MaxConns(1))
	run(t, func(ctx context.Context) error {
		var order []int
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 5 {
				g.Go(func(ctx context.Context) error {
					return db.Tx(ctx, func(context.Context, *aiosql.Tx) error {
						order = append(order, i)
						return nil
					})
				})
			}
			return nil
		})
		if !slices.Equal(order, []int{0, 1, 2, 3, 4}) {
			t.Errorf("the order was %v", order)
		}
		return err
	})
}

func TestATaskThatWouldWaitForItselfIsTold(t *testing.T) {
	db, f := newDB(t, aiosql.MaxConns(1))
	run(t, func(ctx context.Context) error {
		err := db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			_, err := db.Exec(ctx, "outside")
			return err
		})
		if !errors.Is(err, aiosql.ErrExhausted) || !strings.Contains(err.Error(), "DB.Exec") {
			t.Errorf("Tx returned %v", err)
		}
		f.want(t, "1: begin", "1: rollback")
		for _, err := range db.Query(ctx, "rows 2") {
			if err != nil {
				return err
			}
			if _, err := db.Exec(ctx, "in the body"); !errors.Is(err, aiosql.ErrExhausted) {
				t.Errorf("Exec returned %v", err)
			}
		}
		return nil
	})
}

func TestTasksThatWouldWaitForEachOtherAreTold(t *testing.T) {
	db, f := newDB(t, aiosql.MaxConns(2))
	run(t, func(ctx context.Context) error {
		both := aiosync.NewBarrier(2)
		refused := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 2 {
				g.Go(func(ctx context.Context) error {
					return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
						if _, err := both.Wait(ctx); err != nil {
							return err
						}
						_, err := db.Exec(ctx, "outside")
						if errors.Is(err, aiosql.ErrExhausted) {
							refused++
							err = nil
						}
						return err
					})
				})
			}
			return nil
		})
		if refused != 1 {
			t.Errorf("%d were refused, want one, whose connection the other can have", refused)
		}
		return err
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.conns > 2 {
		t.Errorf("there were %d connections", f.conns)
	}
}

func TestSeveralTasksMayUseATransaction(t *testing.T) {
	db, f := newDB(t)
	run(t, func(ctx context.Context) error {
		return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			_, err := aio.Map(ctx, make([]aio.None, 10),
				func(ctx context.Context, _ aio.None) (aio.None, error) {
					return aio.None{}, insert(ctx, tx)
				})
			return err
		})
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.committed) != 10 || f.most != 1 {
		t.Errorf("%d statements, %d at a time", len(f.committed), f.most)
	}
}

func TestAPreparedStatementServesDatabaseAndTransaction(t *testing.T) {
	db, f := newDB(t, aiosql.MaxConns(1))
	run(t, func(ctx context.Context) error {
		if _, err := db.Prepare(ctx, "fail"); !errors.Is(err, errFake) {
			t.Errorf("Prepare returned %v", err)
		}
		add, err := db.Prepare(ctx, "add")
		if err != nil {
			return err
		}
		rows, err := db.Prepare(ctx, "rows 2")
		if err != nil {
			return err
		}
		if _, err := add.Exec(ctx, 1); err != nil {
			return err
		}
		var inTx *aiosql.Stmt
		err = db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			inTx = tx.Stmt(add)
			if _, err := inTx.Exec(ctx, 2); err != nil {
				return err
			}
			people, err := aiosql.All[person](ctx, tx.Stmt(rows), "")
			if len(people) != 2 {
				t.Errorf("the rows are %v", people)
			}
			return err
		})
		if err != nil {
			return err
		}
		if _, err := inTx.Exec(ctx, 3); err != sql.ErrTxDone {
			t.Errorf("Exec after the end returned %v", err)
		}
		n := 0
		for _, err := range rows.Query(ctx) {
			if err != nil {
				return err
			}
			n++
		}
		if n != 2 {
			t.Errorf("there were %d rows", n)
		}
		return errors.Join(add.Close(ctx), rows.Close(ctx))
	})
	f.want(t, "1: prepare add", "1: prepare rows 2", "1: add 1", "1: begin", "1: add 2",
		"1: closed after 2", "1: commit",
		"1: closed after 2", "1: close add", "1: close rows 2")
}

func TestADatabaseIsOpenedAndClosed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		db, err := aiosql.Open(ctx, "fake", t.Name(), aiosql.MaxConns(3))
		if err != nil {
			return err
		}
		if s := db.Statistics(); s.Max != 3 || s.InUse != 0 || s.Waiting != 0 ||
			s.SQL.MaxOpenConnections != 3 {
			t.Errorf("the statistics are %+v", s)
		}
		if err := errors.Join(db.Ping(ctx), db.Close(ctx)); err != nil {
			return err
		}
		if _, err := db.Exec(ctx, "late"); err == nil {
			t.Error("a closed database took a statement")
		}
		f := newFake()
		f.set("connect", true)
		byName.Store("broken", f)
		if _, err := aiosql.Open(ctx, "fake", "broken"); !errors.Is(err, errFake) {
			t.Errorf("Open returned %v", err)
		}
		if _, err := aiosql.Open(ctx, "no such driver", ""); err == nil {
			t.Error("Open found a driver that does not exist")
		}
		return nil
	})
}

func TestMisusePanics(t *testing.T) {
	db, _ := newDB(t)
	run(t, func(ctx context.Context) error {
		for name, fn := range map[string]func(){
			"MaxConns": func() { aiosql.MaxConns(0) },
			"Batch":    func() { aiosql.Batch(0) },
			"New":      func() { aiosql.New(nil) },
			"DB.Tx":    func() { db.Tx(ctx, nil) },
			"Query": func() {
				for range aiosql.Query[int](ctx, new(aiosql.Stmt), "text") {
				}
			},
		} {
			func() {
				defer func() {
					if text, _ := recover().(string); !strings.HasPrefix(text, "aiosql: "+name+": ") {
						t.Errorf("%s: the panic is %q", name, text)
					}
				}()
				fn()
			}()
		}
		return nil
	})
}

// The text names the call in the program, and not what is below it.
func TestAContextWithoutALoopIsMisuseOfTheCall(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "aiosql.Open: no running event loop") {
			t.Errorf("the panic is %q", v)
		}
	}()
	aiosql.Open(context.Background(), "none", "")
}
