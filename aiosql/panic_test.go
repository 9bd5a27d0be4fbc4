package aiosql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"runtime"
	"strings"
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

// turncoat is an argument that does not return from Value.
type turncoat func()

func (t turncoat) Value() (driver.Value, error) { t(); return nil, nil }

// unchecked is a fake whose connections leave the conversion of arguments to package database/sql.
type unchecked struct{ *fake }

func (f unchecked) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := f.fake.Connect(ctx)
	return struct {
		driver.Conn
		driver.ConnBeginTx
		driver.QueryerContext
		driver.ExecerContext
	}{c, c.(driver.ConnBeginTx), c.(driver.QueryerContext), c.(driver.ExecerContext)}, err
}

func TestAValuerThatDoesNotReturnHangsNoOtherStatement(t *testing.T) {
	for name, use := range map[string]func(ctx context.Context, db *aiosql.DB, arg any) error{
		"DB.Exec": func(ctx context.Context, db *aiosql.DB, arg any) error {
			_, err := db.Exec(ctx, "add", arg)
			return err
		},
		"Query": func(ctx context.Context, db *aiosql.DB, arg any) error {
			_, err := aiosql.One[int](ctx, db, "row", arg)
			return err
		},
		"Stmt.Exec": func(ctx context.Context, db *aiosql.DB, arg any) error {
			s, err := db.Prepare(ctx, "add")
			if err != nil {
				return err
			}
			defer s.Close(ctx)
			_, err = s.Exec(ctx, arg)
			return err
		},
		"Stmt.Query": func(ctx context.Context, db *aiosql.DB, arg any) error {
			s, err := db.Prepare(ctx, "row")
			if err != nil {
				return err
			}
			defer s.Close(ctx)
			_, err = aiosql.One[int](ctx, s, "", arg)
			return err
		},
		"Tx.Exec": func(ctx context.Context, db *aiosql.DB, arg any) error {
			return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				_, err := tx.Exec(ctx, "add", arg)
				return err
			})
		},
		"Tx.Query": func(ctx context.Context, db *aiosql.DB, arg any) error {
			return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				_, err := aiosql.One[int](ctx, tx, "row", arg)
				return err
			})
		},
		"a statement in a Tx": func(ctx context.Context, db *aiosql.DB, arg any) error {
			return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				s, err := db.Prepare(ctx, "add")
				if err != nil {
					return err
				}
				_, err = tx.Stmt(s).Exec(ctx, arg)
				return err
			}, aiosql.ReadOnly())
		},
	} {
		for how, leave := range map[string]func(){"panic": func() { panic("value") }, "exit": runtime.Goexit} {
			for _, checked := range []bool{false, true} {
				if checked && strings.Contains(name, "Tx") {
					continue // package database/sql leaves a goroutine behind
				}
				hangsNone(t, name+" "+how, checked, how == "exit", func(ctx context.Context, db *aiosql.DB) error {
					return use(ctx, db, turncoat(leave))
				})
			}
		}
	}
}

// hangsNone runs use, whose argument does not return, and then other statements.
func hangsNone(t *testing.T, name string, checked, exits bool, use func(ctx context.Context, db *aiosql.DB) error) {
	t.Run(fmt.Sprintf("%s, checked by the driver: %v", name, checked), func(t *testing.T) {
		conns := 1
		if strings.Contains(name, "a statement in a Tx") {
			conns = 2 // Prepare needs one of its own
		}
		var source driver.Connector = newFake()
		if !checked {
			source = unchecked{newFake()}
		}
		run(t, func(ctx context.Context) error {
			db := aiosql.New(sql.OpenDB(source), aiosql.MaxConns(conns))
			defer db.Close(ctx)
			task := aio.Start(ctx, func(ctx context.Context) error {
				defer func() {
					if v := recover(); (v == nil) != exits {
						t.Errorf("it panicked with %v", v)
					}
				}()
				err := use(ctx, db)
				if _, exited := errors.AsType[*aio.GoexitError](err); !exited {
					t.Errorf("it returned %v", err)
				}
				return nil
			})
			if _, _, err := aio.Wait(ctx, aio.AllCompleted, task); err != nil {
				return err
			}
			for range conns {
				if n, err := aiosql.One[int](ctx, db, "row", 5); n != 5 || err != nil {
					t.Errorf("afterwards %d, %v", n, err)
				}
			}
			s := db.Statistics()
			if s.InUse != 0 || s.Max != conns || !checked && (s.SQL.InUse != 0 || s.SQL.MaxOpenConnections != conns) {
				t.Errorf("%+v", s)
			}
			return nil
		})
	})
}

// A Valuer of a nil pointer is NULL, or is called if its method takes a pointer.
type byValue struct{}

func (byValue) Value() (driver.Value, error) { return "by value", nil }

type byPointer struct{}

func (p *byPointer) Value() (driver.Value, error) { return fmt.Sprint(p == nil), nil }

func TestGuardedArgumentsReachTheDriverAsPackageSQLHasThem(t *testing.T) {
	run(t, func(ctx context.Context) error {
		db := aiosql.New(sql.OpenDB(unchecked{newFake()}))
		defer db.Close(ctx)
		for _, arg := range []any{
			5, "x", nil, byValue{}, &byValue{}, (*byValue)(nil), &byPointer{}, (*byPointer)(nil),
			sql.NullString{String: "s", Valid: true}, sql.Null[string]{V: "n", Valid: true},
		} {
			var want any
			if err := db.SQL().QueryRowContext(ctx, "row", arg).Scan(&want); err != nil {
				return err
			}
			if got, err := aiosql.One[any](ctx, db, "row", arg); got != want || err != nil {
				t.Errorf("%#v: got %v, %v, want %v", arg, got, err, want)
			}
		}
		_, err := aiosql.One[any](ctx, db, "row", failingValue{})
		if !errors.Is(err, errFake) {
			t.Errorf("the error of a Valuer became %v", err)
		}
		return nil
	})
}

type failingValue struct{}

func (failingValue) Value() (driver.Value, error) { return nil, errFake }
