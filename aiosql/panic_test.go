package aiosql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
)

// A panic of a driver leaves locks of package database/sql locked: whoever closed the connection
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
