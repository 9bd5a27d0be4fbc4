package aiosql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/nocopy"
)

// ErrExhausted is returned to a task that asks for a connection while all are held by tasks that
// wait for a further one, for example for a DB.Exec inside a DB.Tx with one connection: they would
// wait for ever. Use the transaction for everything inside it, or allow more connections.
var ErrExhausted = errors.New("aiosql: all connections are held by tasks that wait for another one")

// DB is a database for the tasks of one loop. Its methods are for the loop only.
type DB struct {
	_        nocopy.Mark
	sql      *sql.DB
	max      int
	maxBatch int
	enough   time.Duration    // how long rows are collected before a batch is passed on
	conns    *aiosync.Limiter // lends connections to leases
	// as many: a lease makes one call at a time, so no call waits for these
	threads *aiosync.Limiter
	leases  map[*lease]bool // the leases that have a connection
	waiting map[aio.AnyTask]bool

	checks atomic.Int32 // what checksArgs has found out

	mu   sync.Mutex
	lost int // connections that package database/sql counts, but nobody has
}

// lose lets package database/sql make another connection in the place of one that it keeps for
// ever. It may be called on any goroutine.
func (db *DB) lose() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.lost++
	db.sql.SetMaxOpenConns(db.max + db.lost)
}

// Statistics is the result of [DB.Statistics].
type Statistics struct {
	Max     int         // the largest number of connections
	InUse   int         // connections in use
	Waiting int         // tasks that wait for a connection
	SQL     sql.DBStats // the statistics of package database/sql
}

// Option is an option of [New] and [Open].
type Option func(db *DB)

// MaxConns is the largest number of connections at a time. It panics if n is less than one.
// Default: 10.
func MaxConns(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("aiosql: MaxConns: the number is %d; use 1 or more", n))
	}
	return func(db *DB) { db.max = n }
}

// Batch is the largest number of rows that are fetched at a time. It panics if n is less than one.
// Default: 128.
func Batch(n int) Option {
	if n < 1 {
		panic(fmt.Sprintf("aiosql: Batch: the number is %d; use 1 or more", n))
	}
	return func(db *DB) { db.maxBatch = n }
}

// New makes a DB of a *sql.DB, whose SetMaxOpenConns it calls. Statements that bypass the DB may
// take a connection that it counts on; tasks then wait for that, too.
func New(db *sql.DB, opts ...Option) *DB {
	if db == nil {
		panic("aiosql: New: the *sql.DB is nil; pass what sql.Open returned")
	}
	d := &DB{
		sql:      db,
		max:      10,
		maxBatch: 128,
		enough:   10 * time.Millisecond,
		leases:   map[*lease]bool{},
		waiting:  map[aio.AnyTask]bool{},
	}
	for _, o := range opts {
		o(d)
	}
	db.SetMaxOpenConns(d.max)
	d.conns, d.threads = aiosync.NewLimiter(d.max), aiosync.NewLimiter(d.max)
	return d
}

// Open opens a database with a driver that the program has imported, and makes a first connection.
// After an error nothing is left open.
//
// Cancellation: the driver is told, and waited for.
func Open(ctx context.Context, driver, dsn string, opts ...Option) (*DB, error) {
	aio.RunningLoop(ctx) // panics if there is no loop
	pool, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, err
	}
	db := New(pool, opts...)
	opened := false
	defer func() {
		if !opened {
			db.Close(ctx)
		}
	}()
	if err := db.Ping(ctx); err != nil {
		return nil, err
	}
	opened = true
	return db, nil
}

// SQL returns the database below, for features that this package lacks.
func (db *DB) SQL() *sql.DB { return db.sql }

// Close closes the connections. Those in use are closed when their use ends. Call it in a defer.
//
// Cancellation: none. A cancelled task closes its database, too.
func (db *DB) Close(ctx context.Context) error {
	return aio.Blocking(context.WithoutCancel(ctx),
		func(context.Context) error { return db.sql.Close() }, aio.LimitedBy(nil))
}

// Ping checks that there is a connection, and makes one if necessary.
//
// Cancellation: the driver is told, and waited for.
func (db *DB) Ping(ctx context.Context) error {
	return db.once(ctx, "DB.Ping", func(ctx context.Context, l *lease) (err error) {
		l.locked(func() { err = db.sql.PingContext(ctx) })
		return err
	})
}

// Exec runs a statement without rows.
//
// Cancellation: while it waits for a connection nothing happens; later the driver is told, and
// waited for.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	var result sql.Result
	err := db.once(ctx, "DB.Exec", func(ctx context.Context, l *lease) error {
		return l.withArgs(ctx, args, func(args []any) (err error) {
			result, err = db.sql.ExecContext(ctx, query, args...)
			return err
		})
	})
	return result, err
}

// Query runs a statement and iterates over its rows, with any columns. See the function [Query].
func (db *DB) Query(ctx context.Context, query string, args ...any) iter.Seq2[Row, error] {
	return Query[Row](ctx, db, query, args...)
}

// once makes one call with a connection of its own.
func (db *DB) once(
	ctx context.Context, op string, call func(ctx context.Context, l *lease) error,
) error {
	l, err := db.acquire(ctx, op)
	if err != nil {
		return err
	}
	defer l.release()
	return l.call(ctx, func(ctx context.Context) error { return call(ctx, l) })
}

// source implements Source.
func (db *DB) source(ctx context.Context, query string) (*lease, bool, rowsFunc, error) {
	l, err := db.acquire(ctx, "Query")
	return l, true, func(ctx context.Context, args []any) (*sql.Rows, error) {
		return db.sql.QueryContext(ctx, query, args...)
	}, err
}

// Statistics returns the current state of the database's connections.
func (db *DB) Statistics() Statistics {
	s := db.conns.Statistics()
	return Statistics{Max: s.Total, InUse: s.Borrowed, Waiting: s.Waiting, SQL: db.sql.Stats()}
}
