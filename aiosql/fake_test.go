package aiosql_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/aiosql"
)

// fake is a database that understands a few words:
//
//	rows N          has N rows: id 0, 1, ... and name "row 0", ...; name is NULL where the id is 13
//	row             has one row of the arguments
//	slow N          rows, each of which waits for a value from gate
//	broken N        N rows and then an error
//	hang            waits until it is cancelled
//	stubborn        waits for a value from gate, whether it is cancelled or not
//	fail            fails
//	anything else   is done, and written down
//
// It keeps a log of what happens on which connection, as "1: begin".
type fake struct {
	gate chan int

	mu        sync.Mutex // guards the rest
	conns     int        // made so far
	open      int
	log       []string
	committed []string
	calls     int             // under way
	most      int             // calls under way at a time, at most
	trouble   map[string]bool // commit, rollback, begin: these fail
	began     chan string     // gets each statement that begins to wait
}

var errFake = errors.New("fake: no")

func newFake() *fake {
	return &fake{gate: make(chan int), trouble: map[string]bool{}, began: make(chan string, 100)}
}

// newDB returns a DB on a database of its own, which is closed after the test.
func newDB(t *testing.T, opts ...aiosql.Option) (*aiosql.DB, *fake) {
	t.Helper()
	f := newFake()
	pool := sql.OpenDB(f)
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.open != 0 || f.calls != 0 {
			t.Errorf("%d connections are open, %d calls under way", f.open, f.calls)
		}
	})
	db := aiosql.New(pool, opts...)
	db.Collect(time.Hour) // the size of batches does not depend on how busy the machine is
	return db, f
}

func (f *fake) add(conn int, format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.log = append(f.log, fmt.Sprintf("%d: %s", conn, fmt.Sprintf(format, args...)))
}

// want compares the log with the lines given, and begins a new one.
func (f *fake) want(t *testing.T, lines ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !slices.Equal(f.log, lines) {
		t.Errorf("what happened differs\n got: %s\nwant: %s",
			strings.Join(f.log, " | "), strings.Join(lines, " | "))
	}
	f.log = nil
}

// call counts a call of the driver until the function it returns is called.
func (f *fake) call() (done func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	f.most = max(f.most, f.calls)
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls--
	}
}

func (f *fake) fails(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.trouble[what] {
		return fmt.Errorf("%w %s", errFake, what)
	}
	return nil
}

func (f *fake) set(what string, on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble[what] = on
}

func (f *fake) Connect(ctx context.Context) (driver.Conn, error) {
	if err := f.fails("connect"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns++
	f.open++
	return &fakeConn{f: f, id: f.conns}, nil
}

func (f *fake) Driver() driver.Driver { return fakeDriver{} }

// fakeDriver opens databases by name.
type fakeDriver struct{}

var byName sync.Map // of string to *fake

func (fakeDriver) Open(name string) (driver.Conn, error) {
	f, _ := byName.LoadOrStore(name, newFake())
	return f.(*fake).Connect(context.Background())
}

func init() { sql.Register("fake", fakeDriver{}) }

type fakeConn struct {
	f       *fake
	id      int
	inTx    bool
	pending []string
}

func (c *fakeConn) Close() error {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	c.f.open--
	return nil
}

func (c *fakeConn) Begin() (driver.Tx, error) { panic("not called") }

func (c *fakeConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	defer c.f.call()()
	if err := c.f.fails("begin"); err != nil {
		return nil, err
	}
	if c.f.fails("slow begin") != nil {
		c.f.began <- "begin"
		<-ctx.Done()
		return nil, ctx.Err()
	}
	word := "begin"
	if opts.ReadOnly {
		word += " read only"
	}
	if opts.Isolation != 0 {
		word += " " + sql.IsolationLevel(opts.Isolation).String()
	}
	c.f.add(c.id, "%s", word)
	c.inTx, c.pending = true, nil
	return (*fakeTx)(c), nil
}

type fakeTx fakeConn

func (t *fakeTx) Commit() error {
	defer t.f.call()()
	if t.f.fails("slow commit") != nil {
		t.f.began <- "commit"
		<-t.f.gate
	}
	if err := t.f.fails("commit"); err != nil {
		return err
	}
	t.f.add(t.id, "commit")
	t.inTx = false
	t.f.mu.Lock()
	defer t.f.mu.Unlock()
	t.f.committed = append(t.f.committed, t.pending...)
	return nil
}

func (t *fakeTx) Rollback() error {
	defer t.f.call()()
	if err := t.f.fails("rollback"); err != nil {
		return err
	}
	t.f.add(t.id, "rollback")
	t.inTx = false
	return nil
}

func (c *fakeConn) Prepare(query string) (driver.Stmt, error) {
	if query == "fail" {
		return nil, errFake
	}
	c.f.add(c.id, "prepare %s", query)
	return &fakeStmt{c, query}, nil
}

func (c *fakeConn) ExecContext(
	ctx context.Context, query string, args []driver.NamedValue,
) (driver.Result, error) {
	defer c.f.call()()
	if err := c.run(ctx, query); err != nil {
		return nil, err
	}
	for _, a := range args {
		query += fmt.Sprint(" ", a.Value)
	}
	c.f.add(c.id, "%s", query)
	if c.inTx {
		c.pending = append(c.pending, query)
	}
	return driver.RowsAffected(len(args)), nil
}

// run waits, or fails, if the statement is of that kind.
func (c *fakeConn) run(ctx context.Context, query string) error {
	switch query {
	case "hang":
		c.f.began <- query
		<-ctx.Done()
		return ctx.Err()
	case "stubborn":
		c.f.began <- query
		<-c.f.gate
		return nil
	case "fail":
		return errFake
	}
	return ctx.Err()
}

func (c *fakeConn) QueryContext(
	ctx context.Context, query string, args []driver.NamedValue,
) (driver.Rows, error) {
	defer c.f.call()()
	if err := c.run(ctx, query); err != nil {
		return nil, err
	}
	r := &fakeRows{c: c, ctx: ctx, columns: []string{"id", "name"}}
	word, number, _ := strings.Cut(query, " ")
	r.kind = word
	if word == "row" {
		r.n, r.columns = 1, nil
		for i, a := range args {
			name := a.Name
			if name == "" {
				name = "column_" + strconv.Itoa(i+1)
			}
			r.columns = append(r.columns, name)
			r.row = append(r.row, a.Value)
		}
		return r, nil
	}
	var err error
	r.n, err = strconv.Atoi(number)
	return r, err
}

type fakeRows struct {
	c       *fakeConn
	ctx     context.Context
	kind    string
	columns []string
	row     []driver.Value
	i, n    int
}

func (r *fakeRows) Columns() []string { return r.columns }

func (r *fakeRows) Close() error {
	defer r.c.f.call()()
	r.c.f.add(r.c.id, "closed after %d", r.i)
	return nil
}

func (r *fakeRows) Next(dest []driver.Value) error {
	defer r.c.f.call()()
	if r.i == r.n {
		if r.kind == "broken" {
			return errFake
		}
		return io.EOF
	}
	if r.kind == "slow" {
		r.c.f.began <- fmt.Sprint("row ", r.i)
		select {
		case <-r.c.f.gate:
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	}
	if r.row != nil {
		copy(dest, r.row)
	} else {
		dest[0], dest[1] = int64(r.i), fmt.Sprint("row ", r.i)
		if r.i == 13 {
			dest[1] = nil
		}
	}
	r.i++
	return nil
}

type fakeStmt struct {
	c     *fakeConn
	query string
}

func (s *fakeStmt) Close() error {
	s.c.f.add(s.c.id, "close %s", s.query)
	return nil
}
func (s *fakeStmt) NumInput() int                              { return -1 }
func (s *fakeStmt) Exec([]driver.Value) (driver.Result, error) { panic("not called") }
func (s *fakeStmt) Query([]driver.Value) (driver.Rows, error)  { panic("not called") }
func (s *fakeStmt) ExecContext(
	ctx context.Context, args []driver.NamedValue,
) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.query, args)
}
func (s *fakeStmt) QueryContext(
	ctx context.Context, args []driver.NamedValue,
) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.query, args)
}
func (c *fakeConn) CheckNamedValue(v *driver.NamedValue) (err error) {
	if v.Value, err = driver.DefaultParameterConverter.ConvertValue(v.Value); err != nil {
		return err
	}
	return nil
}
