package aiotest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
)

// wordDB is a database of single values, and a driver for it. A statement is a line, as is its
// answer: "get x", "put x 3", "begin", "commit" and "rollback". Writes of a transaction are done at
// its commit.
type wordDB map[string]string

func (db wordDB) serve(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	var begun map[string]string // nil: no transaction
	for {
		line, err := r.ReadLine(ctx)
		if err != nil {
			return nil // the client is gone, and its transaction with it
		}
		words := append(strings.Fields(string(line)), "", "")
		answer := "ok"
		switch words[0] {
		case "begin":
			begun = map[string]string{}
		case "rollback":
			begun = nil
		case "commit":
			for key, value := range begun {
				db[key] = value
			}
			begun = nil
		case "put":
			if begun != nil {
				begun[words[1]] = words[2]
			} else {
				db[words[1]] = words[2]
			}
		case "get":
			answer = db[words[1]]
		}
		if _, err := w.WriteString(answer + "\n"); err != nil {
			return nil
		}
	}
}

// wordDriver awaits where drivers usually block. Package database/sql calls it on the goroutine of
// its caller, which is the task.
type wordDriver struct{ address string }

func (d wordDriver) Open(string) (driver.Conn, error) { return nil, errors.ErrUnsupported }
func (d wordDriver) Driver() driver.Driver            { return d }

func (d wordDriver) Connect(ctx context.Context) (driver.Conn, error) {
	r, w, err := stream.Open(ctx, "tcp", d.address)
	if err != nil {
		return nil, err
	}
	return &wordConn{r, w}, nil
}

type wordConn struct {
	r *stream.Reader
	w *stream.Writer
}

// ask sends a statement and waits for the answer. All statements may be made twice.
func (c *wordConn) ask(ctx context.Context, statement string) (string, error) {
	if _, err := c.w.WriteString(statement + "\n"); err != nil {
		return "", driver.ErrBadConn
	}
	answer, err := c.r.ReadLine(ctx)
	if err != nil && ctx.Err() == nil {
		err = driver.ErrBadConn
	}
	return strings.TrimSpace(string(answer)), err
}

func (c *wordConn) Prepare(string) (driver.Stmt, error) { return nil, errors.ErrUnsupported }
func (c *wordConn) Begin() (driver.Tx, error)           { return nil, errors.ErrUnsupported }

func (c *wordConn) Close() error {
	c.w.Close()
	return nil
}

func (c *wordConn) BeginTx(ctx context.Context, _ driver.TxOptions) (driver.Tx, error) {
	_, err := c.ask(ctx, "begin")
	return wordTx{ctx, c}, err
}

func (c *wordConn) ExecContext(
	ctx context.Context, query string, _ []driver.NamedValue,
) (driver.Result, error) {
	_, err := c.ask(ctx, query)
	return driver.RowsAffected(1), err
}

func (c *wordConn) QueryContext(
	ctx context.Context, query string, _ []driver.NamedValue,
) (driver.Rows, error) {
	answer, err := c.ask(ctx, query)
	return &wordRows{answer: answer}, err
}

// wordTx has the context of its beginning: Commit and Rollback get none.
type wordTx struct {
	ctx context.Context
	c   *wordConn
}

func (x wordTx) Commit() error {
	_, err := x.c.ask(x.ctx, "commit")
	return err
}

func (x wordTx) Rollback() error {
	_, err := x.c.ask(x.ctx, "rollback")
	return err
}

type wordRows struct {
	answer string
	read   bool
}

func (r *wordRows) Columns() []string { return []string{"value"} }
func (r *wordRows) Close() error      { return nil }

func (r *wordRows) Next(dest []driver.Value) error {
	if r.read {
		return io.EOF
	}
	r.read, dest[0] = true, r.answer
	return nil
}

// sqlProgram writes two values in a transaction, one in each of some tasks, and reads all of them.
func sqlProgram(ctx context.Context, db *sql.DB) (values []string, err error) {
	// A transaction whose context is cancelled is rolled back on a goroutine of database/sql.
	tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, err
	}
	for _, statement := range []string{"put x 1", "put y 2"} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			_ = tx.Rollback()
			return nil, err
		}
	}
	if err := tx.Commit(); err != nil {
		return nil, err
	}
	err = aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
		for i := range 3 {
			g.Go(func(ctx context.Context) error {
				_, err := db.ExecContext(ctx, fmt.Sprintf("put task-%d %d", i, i))
				return err
			})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, key := range []string{"x", "y", "task-0", "task-1", "task-2"} {
		var value string
		if err := db.QueryRowContext(ctx, "get "+key).Scan(&value); err != nil {
			return nil, err
		}
		values = append(values, value)
	}
	return values, nil
}

func sqlWorld(
	ctx context.Context, t *aiotest.T, faults aiotest.Faults,
	program func(ctx context.Context, db *sql.DB) error,
) error {
	w := aiotest.NewWorld(ctx, t, faults)
	w.SetLink(aiotest.Link{Latency: time.Second})
	w.Host("db").Boot(func(ctx context.Context) error {
		s, err := stream.Serve(ctx, "tcp", ":5432", wordDB{}.serve)
		if err != nil {
			return err
		}
		return s.ServeForever(ctx)
	})
	db := sql.OpenDB(wordDriver{"db:5432"})
	defer db.Close()
	if err := aio.Yield(ctx); err != nil { // the server begins
		return err
	}
	return program(w.Host("shop").Context(ctx), db)
}

func TestAProgramInAWorldMayUseDatabaseSQLByADriverThatAwaits(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		begin := aio.RunningLoop(ctx).Time()
		return sqlWorld(ctx, t, aiotest.Faults{}, func(ctx context.Context, db *sql.DB) error {
			values, err := sqlProgram(ctx, db)
			took := aio.RunningLoop(ctx).Time().Sub(begin)
			got := fmt.Sprint(values, err, took, db.Stats().OpenConnections)
			if want := "[1 2 0 1 2] <nil> 24s 2"; got != want {
				t.Errorf("values, error, time and connections are %s, want %s", got, want)
			}
			return nil
		})
	})
}

func TestConnectionsOfDatabaseSQLAreResetInAWorld(t *testing.T) {
	faults := aiotest.Faults{Resets: 1}
	failed := 0
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		return sqlWorld(ctx, t, faults, func(ctx context.Context, db *sql.DB) error {
			values, err := sqlProgram(ctx, db)
			for errors.Is(err, driver.ErrBadConn) { // a transaction is not tried again by itself
				failed++
				values, err = sqlProgram(ctx, db)
			}
			if got := fmt.Sprint(values, err); got != "[1 2 0 1 2] <nil>" {
				t.Errorf("the values are %s", got)
			}
			return nil
		})
	}, aiotest.Schedules(200), aiotest.DocumentedOrder())
	if failed == 0 {
		t.Error("no reset was in a transaction")
	}
}
