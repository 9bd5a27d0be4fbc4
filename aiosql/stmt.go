package aiosql

import (
	"context"
	"database/sql"
	"iter"

	"github.com/aio-go/aio/internal/nocopy"
)

// Stmt is a prepared statement. It is prepared on each connection that it is used on. Its methods
// are for the loop only.
type Stmt struct {
	_   nocopy.Mark
	db  *DB
	tx  *Tx // nil: each use takes a connection of its own
	sql *sql.Stmt
}

// Prepare prepares a statement. Close it at the end.
//
// Cancellation: the driver is told, and waited for.
func (db *DB) Prepare(ctx context.Context, query string) (*Stmt, error) {
	s := &Stmt{db: db}
	err := db.once(ctx, "DB.Prepare", func(ctx context.Context, _ *lease) (err error) {
		s.sql, err = db.sql.PrepareContext(ctx, query)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Stmt returns a prepared statement for use in the transaction. It need not be closed.
func (tx *Tx) Stmt(s *Stmt) *Stmt { return &Stmt{db: s.db, tx: tx, sql: s.sql} }

// Exec runs the statement, as [DB.Exec] does.
//
// Cancellation: as for DB.Exec.
func (s *Stmt) Exec(ctx context.Context, args ...any) (sql.Result, error) {
	l, own, err := s.lease(ctx, "Stmt.Exec")
	if err != nil {
		return nil, err
	}
	if own {
		defer l.release()
	}
	var result sql.Result
	err = l.call(ctx, func(ctx context.Context) error {
		return l.withArgs(ctx, args, func(args []any) (err error) {
			stmt := s.here(ctx)
			l.locked(func() { result, err = stmt.ExecContext(ctx, args...) })
			return err
		})
	})
	return result, err
}

// Query runs the statement and iterates over its rows. For rows of another type use the function
// [Query] with an empty text.
func (s *Stmt) Query(ctx context.Context, args ...any) iter.Seq2[Row, error] {
	return Query[Row](ctx, s, "", args...)
}

// source implements Source.
func (s *Stmt) source(ctx context.Context, query string) (*lease, bool, rowsFunc, error) {
	if query != "" {
		panic("aiosql: Query: a prepared statement has its text; pass an empty one")
	}
	l, own, err := s.lease(ctx, "Stmt.Query")
	return l, own, func(ctx context.Context, args []any) (*sql.Rows, error) {
		return s.here(ctx).QueryContext(ctx, args...)
	}, err
}

// lease returns the lease of the statement, and whether the caller has to release it.
func (s *Stmt) lease(ctx context.Context, op string) (l *lease, own bool, err error) {
	switch {
	case s.tx == nil:
		l, err = s.db.acquire(ctx, op)
		return l, true, err
	case s.tx.over:
		return nil, false, sql.ErrTxDone
	}
	return s.tx.lease, false, nil
}

// here returns the statement on its connection. It may block.
func (s *Stmt) here(ctx context.Context) *sql.Stmt {
	if s.tx != nil {
		return s.tx.sql.StmtContext(ctx, s.sql)
	}
	return s.sql
}

// Close drops the statement.
//
// Cancellation: it goes on, and is waited for.
func (s *Stmt) Close(ctx context.Context) error {
	l, err := s.db.acquire(context.WithoutCancel(ctx), "Stmt.Close")
	if err != nil {
		return err
	}
	defer l.release()
	return l.finish(ctx, s.sql.Close)
}
