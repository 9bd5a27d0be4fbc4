package guide_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
)

// The functions on the page about databases run on a driver of a few lines.

// openShop opens the database; the program has imported a driver of that name.
func openShop(ctx context.Context) (*aiosql.DB, error) {
	return aiosql.Open(ctx, "sqlite", "shop.db", aiosql.MaxConns(4))
}

// item is a row.
type item struct {
	Name  string
	Price int
	Note  *string `db:"remark"` // may be NULL
}

// printCheap prints the items that cost less than 100.
func printCheap(ctx context.Context, w io.Writer, db *aiosql.DB) error {
	const query = "SELECT name, price, remark FROM items WHERE price < ?"
	for it, err := range aiosql.Query[item](ctx, db, query, 100) {
		if err != nil {
			return err
		}
		fmt.Fprintln(w, it.Name, it.Price)
	}
	return nil
}

var errSoldOut = errors.New("sold out")

// sell takes an item out of stock and records the sale: both or nothing.
func sell(ctx context.Context, db *aiosql.DB, name string) (sale int, err error) {
	err = db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
		result, err := tx.Exec(ctx, "UPDATE stock SET count = count - 1 WHERE name = ? AND count > 0", name)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, errSoldOut) // an error rolls back
		}
		sale, err = aiosql.One[int](ctx, tx, "INSERT INTO sales (name) VALUES (?) RETURNING id", name)
		return err
	})
	return sale, err
}

// sellAll sells all items at the same time, as far as there are connections.
func sellAll(ctx context.Context, db *aiosql.DB, names []string) ([]int, error) {
	return aio.Map(ctx, names, func(ctx context.Context, name string) (int, error) {
		return sell(ctx, db, name)
	})
}

func TestThePageAboutDatabases(t *testing.T) {
	var out strings.Builder
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		db, err := openShop(ctx)
		if err != nil {
			return err
		}
		defer db.Close(context.WithoutCancel(ctx))
		if err := printCheap(ctx, &out, db); err != nil {
			return err
		}
		sales, err := sellAll(ctx, db, []string{"cup", "cup", "cup"})
		if !slices.Equal(sales, []int{1, 1, 1}) || err != nil {
			t.Errorf("the sales are %v, %v", sales, err)
		}
		if _, err := sell(ctx, db, "unicorn"); !errors.Is(err, errSoldOut) {
			t.Errorf("a unicorn: %v", err)
		}
		return nil
	})
	if want := "cup 7\nplate 12\n"; out.String() != want || err != nil {
		t.Errorf("%q, %v, want %q", out.String(), err, want)
	}
}

func init() { sql.Register("sqlite", shopDriver{}) }

type shopDriver struct{}

func (shopDriver) Open(string) (driver.Conn, error) { return shopConn{}, nil }

// shopConn is a connection of a database that answers everything with the same.
type shopConn struct{}

func (shopConn) Close() error                        { return nil }
func (shopConn) Begin() (driver.Tx, error)           { return shopConn{}, nil }
func (shopConn) Commit() error                       { return nil }
func (shopConn) Rollback() error                     { return nil }
func (shopConn) Prepare(string) (driver.Stmt, error) { return nil, errors.New("not here") }

func (shopConn) ExecContext(_ context.Context, _ string, args []driver.NamedValue) (driver.Result, error) {
	if args[0].Value == "unicorn" {
		return driver.RowsAffected(0), nil
	}
	return driver.RowsAffected(1), nil
}

func (shopConn) QueryContext(_ context.Context, query string, _ []driver.NamedValue) (driver.Rows, error) {
	if strings.HasPrefix(query, "INSERT") {
		return &shopRows{columns: []string{"id"}, rows: [][]driver.Value{{int64(1)}}}, nil
	}
	return &shopRows{columns: []string{"name", "price", "remark"}, rows: [][]driver.Value{{"cup", int64(7), nil}, {"plate", int64(12), "chipped"}}}, nil
}

type shopRows struct {
	columns []string
	rows    [][]driver.Value
}

func (r *shopRows) Columns() []string { return r.columns }
func (r *shopRows) Close() error      { return nil }

func (r *shopRows) Next(to []driver.Value) error {
	if len(r.rows) == 0 {
		return io.EOF
	}
	copy(to, r.rows[0])
	r.rows = r.rows[1:]
	return nil
}
