package aiosql

import (
	"context"
	"database/sql"
	"iter"
	"time"
)

// Source is the source of rows: a [*DB], a [*Tx] or a [*Stmt].
type Source interface {
	// source returns a lease, whether the caller has to release it, and the function that runs the
	// statement.
	source(ctx context.Context, query string) (l *lease, own bool, run rowsFunc, err error)
}

// rowsFunc runs a statement. It blocks.
type rowsFunc func(ctx context.Context, args []any) (*sql.Rows, error)

// Query runs a statement and iterates over its rows. T is the form of a row:
//
//   - a struct: each column goes to the field of its name, without regard to case and underscores,
//     or to the one with the tag db:"name"; fields without a column keep their zero value
//   - a [Row]: with any columns
//   - any other type, also time.Time and a sql.Scanner: the only column
//
// A column that may be NULL needs a pointer or a type of database/sql. from is a DB or a Tx; with a
// [Stmt] the text is empty.
//
//	for name, err := range aiosql.Query[string](ctx, db, "SELECT name FROM items") {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// The statement runs when the iteration begins, and again with each iteration. Rows are fetched and
// scanned off the loop: first one alone, then batches that grow, up to [Batch] rows or ten
// milliseconds. An error is yielded once, with the zero value, and ends the iteration. A break, a
// return or a panic in the body closes the rows and waits for that. The iteration holds its
// connection until it ends. In the body of a loop over a DB's rows, further statements need further
// connections.
//
// Cancellation: the driver is told, and waited for; the error is yielded.
func Query[T any](ctx context.Context, from Source, query string, args ...any) iter.Seq2[T, error] {
	return rowsOf[T](ctx, from, 1, query, args)
}

// rowsOf is Query with a first batch of size rows.
func rowsOf[T any](
	ctx context.Context, from Source, size int, query string, args []any,
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		lease, own, run, err := from.source(ctx, query)
		if err != nil {
			yield(zero, err)
			return
		}
		if own {
			defer lease.release()
		}
		c := &cursor[T]{lease: lease, size: min(size, lease.db.maxBatch)}
		c.life, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
		defer c.close(ctx)
		for !c.over {
			err := c.fetch(ctx, run, args)
			for _, row := range c.batch {
				if !yield(row, nil) {
					return
				}
			}
			if err != nil {
				yield(zero, err)
				return
			}
		}
	}
}

// One runs a statement and returns its first row. If there is none it returns sql.ErrNoRows. See
// [Query].
func One[T any](ctx context.Context, from Source, query string, args ...any) (T, error) {
	const andTheEnd = 2 // rows: usually there is one, and the same call finds its end
	for row, err := range rowsOf[T](ctx, from, andTheEnd, query, args) {
		return row, err
	}
	var zero T
	return zero, sql.ErrNoRows
}

// All runs a statement and returns all its rows. With an error it returns the rows before it. See
// [Query].
func All[T any](ctx context.Context, from Source, query string, args ...any) ([]T, error) {
	var rows []T
	for row, err := range Query[T](ctx, from, query, args...) {
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// cursor is an iteration over rows. Its fields belong to the loop, and to calls off the loop while
// these run.
type cursor[T any] struct {
	lease  *lease
	life   context.Context    // of the statement
	cancel context.CancelFunc // ends the statement
	rows   *sql.Rows          // nil until the statement has run
	plan   *plan[T]
	size   int // of the next batch
	batch  []T
	over   bool // there are no more rows, and rows is closed
}

// fetch fills the batch. With an error it holds the rows before it.
func (c *cursor[T]) fetch(ctx context.Context, run rowsFunc, args []any) error {
	clear(c.batch) // rows that the body has dropped must not stay alive
	c.batch = c.batch[:0]
	err := c.lease.call(ctx, func(call context.Context) error {
		// Rows live as long as the context of the query; the context of this call is shorter.
		defer context.AfterFunc(call, c.cancel)()
		if c.rows == nil {
			if err := c.open(run, args); err != nil {
				return err
			}
		}
		return c.fill()
	})
	c.size = min(2*c.size, c.lease.db.maxBatch)
	return err
}

// open runs the statement.
func (c *cursor[T]) open(run rowsFunc, args []any) error {
	var rows *sql.Rows
	err := c.lease.withArgs(c.life, args, func(args []any) (err error) {
		c.lease.locked(func() { rows, err = run(c.life, args) })
		return err
	})
	if err != nil {
		return err
	}
	c.rows = rows
	c.plan, err = planFor[T](rows)
	return err
}

// fill reads rows until the batch is full.
func (c *cursor[T]) fill() error {
	began := time.Now()
	for len(c.batch) < c.size {
		if !c.rows.Next() {
			c.over = true
			return c.rows.Err() // Next has closed them
		}
		var row T
		if err := c.plan.scan(c.rows, &row); err != nil {
			return err
		}
		c.batch = append(c.batch, row)
		if time.Since(began) > c.lease.db.enough {
			break
		}
	}
	return nil
}

// close ends the statement, however the iteration has ended. A driver may read the remaining rows;
// not if the task is cancelled.
func (c *cursor[T]) close(ctx context.Context) {
	defer c.cancel()
	if c.rows != nil && !c.over {
		defer context.AfterFunc(ctx, c.cancel)()
		// its error is that of the statement, which is not needed any more
		_ = c.lease.finish(ctx, c.rows.Close)
	}
}
