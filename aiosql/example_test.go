package aiosql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
)

// The examples use a small driver of these tests, which understands "rows 3" in place of SQL.
func do(main func(ctx context.Context, db *aiosql.DB) error) {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		db, err := aiosql.Open(ctx, "fake", "example", aiosql.MaxConns(2), aiosql.Batch(64))
		if err != nil {
			return err
		}
		defer db.Close(context.WithoutCancel(ctx))
		return main(ctx, db)
	})
	if err != nil {
		fmt.Println(err)
	}
}

func ExampleQuery() {
	type item struct {
		ID   int
		Name string
	}
	do(func(ctx context.Context, db *aiosql.DB) error {
		for it, err := range aiosql.Query[item](ctx, db, "rows 3") {
			if err != nil {
				return err
			}
			fmt.Println(it.ID, it.Name)
		}
		return nil
	})
	// Output:
	// 0 row 0
	// 1 row 1
	// 2 row 2
}

func ExampleOne() {
	do(func(ctx context.Context, db *aiosql.DB) error {
		n, err := aiosql.One[int](ctx, db, "row", 42)
		fmt.Println(n, err)
		return nil
	})
	// Output:
	// 42 <nil>
}

func ExampleAll() {
	type item struct {
		Number int `db:"id"`
		Name   string
	}
	do(func(ctx context.Context, db *aiosql.DB) error {
		items, err := aiosql.All[item](ctx, db, "rows 2")
		fmt.Println(items, err)
		return nil
	})
	// Output:
	// [{0 row 0} {1 row 1}] <nil>
}

func ExampleRow() {
	do(func(ctx context.Context, db *aiosql.DB) error {
		for row, err := range db.Query(ctx, "rows 1") {
			if err != nil {
				return err
			}
			fmt.Println(row.Columns(), row.Values())
			var id int
			var name string
			err := row.Scan(&id, &name)
			fmt.Println(id, name, err)
		}
		return nil
	})
	// Output:
	// [id name] [0 row 0]
	// 0 row 0 <nil>
}

// A transaction whose function fails is rolled back.
func ExampleTx() {
	do(func(ctx context.Context, db *aiosql.DB) error {
		err := db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			if _, err := tx.Exec(ctx, "take 5"); err != nil {
				return err
			}
			return errors.New("not enough money")
		})
		fmt.Println(err)
		return nil
	})
	// Output:
	// not enough money
}

func ExampleIsolation() {
	do(func(ctx context.Context, db *aiosql.DB) error {
		return db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
			items, err := aiosql.All[aiosql.Row](ctx, tx, "rows 2")
			fmt.Println(len(items), "rows")
			return err
		}, aiosql.Isolation(sql.LevelSerializable), aiosql.ReadOnly())
	})
	// Output:
	// 2 rows
}

func ExampleStmt() {
	do(func(ctx context.Context, db *aiosql.DB) error {
		st, err := db.Prepare(ctx, "rows 2")
		if err != nil {
			return err
		}
		defer st.Close(ctx)
		for row, err := range st.Query(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(row.Value("name"))
		}
		return nil
	})
	// Output:
	// row 0
	// row 1
}

// A database that was opened elsewhere.
func ExampleNew() {
	pool, err := sql.Open("fake", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	db := aiosql.New(pool, aiosql.MaxConns(4))
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := db.Exec(ctx, "insert")
		return err
	})
	fmt.Println(db.Statistics().Max, err)
	// Output:
	// 4 <nil>
}

func ExampleOpen() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		db, err := aiosql.Open(ctx, "fake", "example")
		if err != nil {
			return err
		}
		defer db.Close(context.WithoutCancel(ctx))
		result, err := db.Exec(ctx, "insert", 1, 2)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		fmt.Println(n, err)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2 <nil>
}
