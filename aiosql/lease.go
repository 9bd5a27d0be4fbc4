package aiosql

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// lease is the right to use a connection: for a statement, the rows of a query, or a transaction.
// It counts as one connection; which one, only package database/sql knows.
type lease struct {
	db   *DB
	op   string
	task aio.AnyTask
	turn aiosync.Lock // a connection does one thing at a time
	conn *sql.Conn    // of a transaction that has begun

	// The driver, or a Valuer, has panicked inside package database/sql, which then keeps the
	// connection, and may keep a lock on it: ending the transaction would wait for ever.
	stuck atomic.Bool
}

// locked calls fn, which calls the driver inside package database/sql.
func (l *lease) locked(fn func()) {
	returned := false
	defer func() {
		if !returned && !l.stuck.Swap(true) {
			l.db.lose()
		}
	}()
	fn()
	returned = true
}

// String names the use of the connection in the statistics of the limiter.
func (l *lease) String() string { return l.op }

// acquire waits for a free connection.
func (db *DB) acquire(ctx context.Context, op string) (*lease, error) {
	aio.RunningLoop(ctx) // panics if there is no loop
	task := aio.CurrentTask(ctx)
	if db.conns.Available() == 0 {
		db.waiting[task] = true
		defer delete(db.waiting, task)
		if db.exhausted() {
			return nil, fmt.Errorf("%w: %s in task %s, connections: %d; "+
				"run it in the transaction that is open, or allow more with MaxConns",
				ErrExhausted, op, task.Name(), db.max)
		}
	}
	l := &lease{db: db, op: op, task: task}
	if err := db.conns.AcquireFor(ctx, l); err != nil {
		return nil, err
	}
	db.leases[l] = true
	return l, nil
}

// exhausted reports whether no connection can be given back, as all owners wait for another one.
func (db *DB) exhausted() bool {
	for l := range db.leases {
		if !db.waiting[l.task] {
			return false
		}
	}
	return len(db.leases) >= db.max
}

// release gives the connection back.
func (l *lease) release() {
	delete(l.db.leases, l)
	l.db.conns.ReleaseFor(l)
}

// call makes a call that blocks, with a context that is cancelled when the task is. It always waits
// until the call has returned: until then the connection, and the variables that it fills in, are
// in use.
func (l *lease) call(ctx context.Context, fn func(ctx context.Context) error) error {
	if err := l.turn.Acquire(ctx); err != nil {
		return err
	}
	defer l.turn.Release()
	inner, cancel := aio.WithCancelCause(ctx) // it ends with the block that the task is in, too
	defer cancel(nil)
	if err := interrupted(inner); err != nil {
		return err
	}
	err := l.off(ctx, func() error { return fn(inner) })
	if err != nil {
		if why := interrupted(inner); why != nil {
			return why // says more than the driver's error
		}
	}
	return err
}

// interrupted returns the error of every wait with ctx, if ctx has ended.
func interrupted(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return aio.Yield(ctx)
}

// finish makes a call that blocks and that must not be skipped.
func (l *lease) finish(ctx context.Context, fn func() error) error {
	ctx = context.WithoutCancel(ctx)
	if err := l.turn.Acquire(ctx); err != nil {
		return err
	}
	defer l.turn.Release()
	return l.off(ctx, fn)
}

// off makes a call off the loop.
func (l *lease) off(ctx context.Context, fn func() error) error {
	return aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error { return fn() },
		aio.LimitedBy(l.db.threads))
}
