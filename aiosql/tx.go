package aiosql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"iter"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/nocopy"
)

// Tx is a transaction. Several tasks of the block may use it; its connection does one statement at
// a time. Its methods are for the loop only.
type Tx struct {
	_     nocopy.Mark
	lease *lease
	conn  *sql.Conn // closing it waits for all its uses by package database/sql
	sql   *sql.Tx
	over  bool
}

// TxOption is an option of [DB.Tx].
type TxOption func(o *sql.TxOptions)

// Isolation sets the level of isolation. Default: that of the database.
func Isolation(level sql.IsolationLevel) TxOption {
	return func(o *sql.TxOptions) { o.Isolation = level }
}

// ReadOnly makes a transaction that changes nothing. Default: it may.
func ReadOnly() TxOption { return func(o *sql.TxOptions) { o.ReadOnly = true } }

// Tx begins a transaction, calls fn, and commits. It rolls back if fn returns an error, which Tx
// returns as it is, and if fn panics or ends its task with runtime.Goexit. It also rolls back if
// the task, or the block around it, was cancelled before fn returned. Tasks that fn starts must
// have ended before: Tx does not wait for them.
//
// After an error of the commit itself the state of the transaction may be unknown, for example
// after a lost connection. If a commit or rollback fails, its connection is closed, so that the
// database undoes the transaction unless it was committed.
//
// Cancellation: the transaction is rolled back, even if fn ignores the cancellation, and Tx waits
// for that. A commit under way goes on, and is waited for.
func (db *DB) Tx(
	ctx context.Context, fn func(ctx context.Context, tx *Tx) error, opts ...TxOption,
) error {
	if fn == nil {
		panic("aiosql: DB.Tx: the function is nil; pass one that uses the transaction")
	}
	var options sql.TxOptions
	for _, o := range opts {
		o(&options)
	}
	l, err := db.acquire(ctx, "DB.Tx")
	if err != nil {
		return err
	}
	defer l.release()
	// The transaction's own context: the end of another one would roll it back unnoticed.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	tx := &Tx{lease: l}
	defer tx.rollback(ctx) // unless it has ended
	err = l.call(ctx, func(call context.Context) (err error) {
		if tx.conn, err = db.sql.Conn(call); err != nil {
			return err
		}
		l.conn = tx.conn
		defer context.AfterFunc(call, cancel)()
		l.locked(func() { tx.sql, err = tx.conn.BeginTx(life, &options) })
		return err
	})
	if err != nil {
		return err
	}
	if err := fn(ctx, tx); err != nil {
		return err
	}
	scope, leave := aio.WithCancelCause(ctx) // it ends with the block that the task is in, too
	defer leave(nil)
	if err := interrupted(scope); err != nil {
		return err
	}
	return tx.end(ctx, (*sql.Tx).Commit)
}

// rollback ends the transaction unless it has ended. Its failure, for example on a lost connection,
// does not matter: then the end of the connection does the same.
func (tx *Tx) rollback(ctx context.Context) {
	if !tx.over && tx.conn != nil {
		_ = tx.end(ctx, (*sql.Tx).Rollback)
	}
}

var errStuck = errors.New("aiosql: the driver has panicked in the transaction, " +
	"which can be neither committed nor rolled back any more")

// end ends the transaction and gives its connection back, or closes it if its state is unknown.
func (tx *Tx) end(ctx context.Context, how func(tx *sql.Tx) error) error {
	tx.over = true
	return tx.lease.finish(ctx, func() (err error) {
		defer func() {
			if !tx.lease.stuck.Load() {
				tx.conn.Close() // it is in order, or closed already
			}
		}()
		switch {
		case tx.lease.stuck.Load():
			return errStuck
		case tx.sql == nil:
			return nil // it never began
		}
		tx.lease.locked(func() { err = how(tx.sql) })
		if err != nil {
			tx.conn.Raw(func(any) error { return driver.ErrBadConn })
		}
		return err
	})
}

// Exec runs a statement without rows. After the end of the transaction it returns sql.ErrTxDone.
//
// Cancellation: the driver is told, and waited for.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if tx.over {
		return nil, sql.ErrTxDone
	}
	var result sql.Result
	err := tx.lease.call(ctx, func(ctx context.Context) error {
		return tx.lease.withArgs(ctx, args, func(args []any) (err error) {
			result, err = tx.sql.ExecContext(ctx, query, args...)
			return err
		})
	})
	return result, err
}

// Query runs a statement and iterates over its rows, with any columns. See the function [Query].
// Whether other statements may run meanwhile depends on the driver: one for SQLite allows it, one
// for PostgreSQL does not.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) iter.Seq2[Row, error] {
	return Query[Row](ctx, tx, query, args...)
}

// source implements Source.
func (tx *Tx) source(ctx context.Context, query string) (*lease, bool, rowsFunc, error) {
	if tx.over {
		return nil, false, nil, sql.ErrTxDone
	}
	return tx.lease, false, func(ctx context.Context, args []any) (*sql.Rows, error) {
		return tx.sql.QueryContext(ctx, query, args...)
	}, nil
}
