package aiosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// memory is a database of one row in memory. Package database/sql converts values only when they
// come out of a database, so this is the way to use its conversion. It copies nothing and never
// blocks.
type memory struct {
	columns []string
	values  []any
	read    bool
}

// convertRow assigns values to the variables of dest, as sql.Rows.Scan does.
func convertRow(dest []any, columns []string, values []any) error {
	db := sql.OpenDB(&memory{columns: columns, values: values})
	defer db.Close()
	rows, err := db.QueryContext(context.Background(), "")
	if err != nil {
		return err
	}
	defer rows.Close()
	rows.Next()
	return scanRow(rows, dest)
}

// scanRow is rows.Scan for a Scanner that may panic or call runtime.Goexit. Package database/sql
// holds a lock while it calls one, and keeps it then: closing the rows, or ending the transaction,
// would wait for ever. So the call returns first.
func scanRow(rows *sql.Rows, dest []any) error {
	var broken any
	guarded := dest
	for i, d := range dest {
		if canPanic(reflect.TypeOf(d)) {
			if &guarded[0] == &dest[0] {
				guarded = slices.Clone(dest)
			}
			guarded[i] = guard{d, &broken}
		}
	}
	err := rows.Scan(guarded...)
	goOn(broken)
	return err
}

// canPanic reports whether a Scanner puts a value into a place of this type. Package database/sql
// itself handles types that take decimals.
func canPanic(t reflect.Type) bool {
	for t != nil && t.Kind() == reflect.Pointer {
		if t.Implements(composerType) {
			return false
		}
		if t.Implements(scannerType) {
			return true
		}
		t = t.Elem()
	}
	return false
}

// composer is the interface decimalCompose of package database/sql.
type composer interface {
	Compose(form byte, negative bool, coefficient []byte, exponent int32) error
}

var composerType = reflect.TypeFor[composer]()

// guard scans into dest, for which canPanic is true, and keeps the panic, or errExited.
type guard struct {
	dest   any
	broken *any
}

func (g guard) Scan(value any) error {
	return shielded(g.broken, canExit(reflect.TypeOf(g.dest)), func() error {
		return put(reflect.ValueOf(g.dest), value)
	})
}

// shielded calls fn. It keeps a panic, or errExited, in broken, and returns errBroken then.
func shielded(broken *any, exits bool, fn func() error) (err error) {
	if !exits {
		return caught(broken, fn)
	}
	done := make(chan struct{}) // a Goexit can be stopped only by a goroutine that it ends
	go func() {
		defer close(done)
		err = caught(broken, fn)
	}()
	<-done
	if *broken == error(errExited) {
		return errBroken
	}
	return err
}

func caught(broken *any, fn func() error) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if *broken = recover(); *broken == nil {
			*broken = errExited
		}
		err = errBroken
	}()
	err = fn()
	returned = true
	return err
}

// goOn ends the caller as the code that was shielded has ended, unless that has returned.
func goOn(broken any) {
	switch broken {
	case nil:
	case errExited:
		runtime.Goexit()
	default:
		panic(broken)
	}
}

// canExit reports whether a Scanner or Valuer of this type may call runtime.Goexit: those of
// package database/sql do not.
func canExit(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.PkgPath() != "database/sql" || strings.HasPrefix(t.Name(), "Null[")
}

var (
	errBroken = errors.New("the Scanner or Valuer has panicked")
	errExited = errors.New("the Scanner or Valuer has called runtime.Goexit")
)

// put finds the Scanner behind pointers, which are nil for NULL.
func put(p reflect.Value, value any) error {
	if s, ok := p.Interface().(sql.Scanner); ok {
		return s.Scan(value)
	}
	if p.IsNil() {
		return errors.New("destination pointer is nil")
	}
	if value == nil {
		p.Elem().SetZero()
		return nil
	}
	p.Elem().Set(reflect.New(p.Type().Elem().Elem()))
	return put(p.Elem(), value)
}

// The methods below implement driver.Connector, driver.Conn, driver.QueryerContext and driver.Rows.

func (m *memory) Connect(context.Context) (driver.Conn, error) { return m, nil }
func (m *memory) Driver() driver.Driver                        { return nil }
func (m *memory) Prepare(string) (driver.Stmt, error)          { return nil, driver.ErrSkip }
func (m *memory) Begin() (driver.Tx, error)                    { return nil, driver.ErrSkip }
func (m *memory) Close() error                                 { return nil }
func (m *memory) Columns() []string                            { return m.columns }

func (m *memory) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return m, nil
}

func (m *memory) Next(dest []driver.Value) error {
	if m.read {
		return io.EOF
	}
	m.read = true
	for i, v := range m.values {
		dest[i] = v
	}
	return nil
}
