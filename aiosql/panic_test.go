package aiosql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"runtime"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
)

// A panic of a driver leaves locks of package database/sql locked: closing the connection
// would wait for ever.
func TestATransactionWhoseDriverPanicsAtItsEndsDoesNotHang(t *testing.T) {
	for _, at := range []string{"begin", "commit", "rollback"} {
		t.Run(at, func(t *testing.T) {
			run(t, func(ctx context.Context) error {
				db := aiosql.New(sql.OpenDB(panicker(at)))
				defer db.Close(ctx)
				task := aio.Start(ctx, func(ctx context.Context) error {
					defer func() {
						if v := recover(); v == nil {
							t.Error("the panic was lost")
						}
					}()
					return db.Tx(ctx, func(context.Context, *aiosql.Tx) error {
						if at == "rollback" {
							return context.DeadlineExceeded
						}
						return nil
					})
				})
				_, err := task.Await(ctx)
				if s := db.Statistics(); s.InUse != 0 {
					t.Errorf("in use: %d", s.InUse)
				}
				return err
			})
		})
	}
}

// panicker is a driver that panics in the call of this name.
type panicker string

func (p panicker) Connect(context.Context) (driver.Conn, error) { return p, nil }
func (p panicker) Driver() driver.Driver                        { return nil }
func (p panicker) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (p panicker) Close() error                                 { return nil }
func (p panicker) Begin() (driver.Tx, error)                    { p.call("begin"); return p, nil }
func (p panicker) Commit() error                                { p.call("commit"); return nil }
func (p panicker) Rollback() error                              { p.call("rollback"); return nil }

func (p panicker) call(what string) {
	if what == string(p) {
		panic(what)
	}
}

// leaver is a Scanner that ends the goroutine it is called on.
type leaver struct{}

func (*leaver) Scan(any) error { runtime.Goexit(); return nil }

func TestAScannerThatExitsLosesNoConnectionAndHangsNoTransaction(t *testing.T) {
	run(t, func(ctx context.Context) error {
		db := aiosql.New(sql.OpenDB(newFake()), aiosql.MaxConns(1))
		defer db.Close(ctx)
		inTx := func(ctx context.Context) error {
			return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				_, err := aiosql.One[leaver](ctx, tx, "row", 5)
				return err
			})
		}
		for name, scan := range map[string]func(ctx context.Context) error{
			"DB": func(ctx context.Context) error { _, err := aiosql.One[leaver](ctx, db, "row", 5); return err },
			"field": func(ctx context.Context) error {
				_, err := aiosql.One[struct{ ID *leaver }](ctx, db, "rows 1")
				return err
			},
			"Null": func(ctx context.Context) error { _, err := aiosql.One[sql.Null[leaver]](ctx, db, "row", 5); return err },
			"Tx":   inTx,
			"Row": func(ctx context.Context) error {
				row, err := aiosql.One[aiosql.Row](ctx, db, "row", 5)
				if err == nil {
					err = row.Scan(&leaver{})
				}
				return err
			},
		} {
			task := aio.Start(ctx, scan)
			if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
				return err
			}
			if task.Err() == nil {
				t.Errorf("%s: the exit was lost", name)
			}
			if n, err := aiosql.One[int](ctx, db, "row", 5); n != 5 || err != nil {
				t.Errorf("%s: afterwards %d, %v", name, n, err)
			}
		}
		return nil
	})
}
