package aiosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"reflect"
	"slices"
)

// withArgs calls fn with the arguments of a statement. A Valuer may panic or call runtime.Goexit.
// Package database/sql would then keep the connection for ever, so the call returns first. Drivers
// that check arguments themselves know some by their types: they get the arguments as they are.
func (l *lease) withArgs(ctx context.Context, args []any, fn func(args []any) error) error {
	var broken any
	guarded := args
	for i, a := range args {
		g, ok := guardedArg(a, &broken)
		if !ok {
			continue
		}
		if &guarded[0] == &args[0] {
			if l.checksArgs(ctx) {
				break
			}
			guarded = slices.Clone(args)
		}
		guarded[i] = g
	}
	err := fn(guarded)
	goOn(broken)
	return err
}

// guardedArg returns the argument with a guarded Valuer, if it has one that may panic.
func guardedArg(arg any, broken *any) (any, bool) {
	if named, ok := arg.(sql.NamedArg); ok {
		named.Value, ok = guardedArg(named.Value, broken)
		return named, ok
	}
	v, ok := arg.(driver.Valuer)
	if !ok || !canExit(reflect.TypeOf(v)) {
		return arg, false
	}
	if _, ok := arg.(decomposer); ok {
		return arg, false // Value is not called
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.Pointer && r.IsNil() &&
		r.Type().Elem().Implements(valuerType) {
		return arg, false // it is NULL, and Value is not called
	}
	return valuerGuard{v, broken}, true
}

var valuerType = reflect.TypeFor[driver.Valuer]()

// decomposer is the interface decimalDecompose of package database/sql/driver.
type decomposer interface {
	Decompose(buf []byte) (form byte, negative bool, coefficient []byte, exponent int32)
}

// valuerGuard keeps the panic of a Valuer, or errExited.
type valuerGuard struct {
	driver.Valuer
	broken *any
}

func (g valuerGuard) Value() (v driver.Value, err error) {
	err = shielded(g.broken, true, func() (err error) {
		v, err = g.Valuer.Value()
		return err
	})
	return v, err
}

// checksArgs reports whether the driver's connections are NamedValueCheckers. It may block.
func (l *lease) checksArgs(ctx context.Context) bool {
	const yes, no = 1, 2
	if known := l.db.checks.Load(); known != 0 {
		return known == yes
	}
	conn := l.conn
	if conn == nil {
		own, err := l.db.sql.Conn(ctx)
		if err != nil {
			return true // the statement will hear of it
		}
		defer own.Close()
		conn = own
	}
	checks := false
	err := conn.Raw(func(c any) error {
		_, checks = c.(driver.NamedValueChecker)
		return nil
	})
	switch {
	case err != nil:
		return true
	case checks:
		l.db.checks.Store(yes)
	default:
		l.db.checks.Store(no)
	}
	return checks
}
