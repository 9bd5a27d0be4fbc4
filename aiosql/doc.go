// Package aiosql lets tasks use package database/sql: statements, rows and transactions, with any
// of its drivers. The calls of drivers block, so they run on other goroutines, while the task is
// suspended and the loop goes on. asyncio has no counterpart. Python: asyncpg, aiosqlite.
//
//	db, err := aiosql.Open(ctx, "sqlite", "shop.db")
//	if err != nil {
//		return err
//	}
//	defer db.Close(ctx)
//
//	type item struct {
//		Name  string
//		Price int
//	}
//	cheap := "SELECT name, price FROM items WHERE price < ?"
//	for it, err := range aiosql.Query[item](ctx, db, cheap, 100) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(it.Name, it.Price)
//	}
//
// # Rows
//
// [Query] is an iterator that fetches as it goes: first one row, then batches that grow, scanned
// off the loop. Breaking out of the range ends the statement. [One] returns a single row and [All]
// a few. [DB.Query] is for rows with unknown columns.
//
// # Transactions
//
// [DB.Tx] calls a function with a transaction and commits when it returns. If it returns an error,
// panics, ends its task or is cancelled, the transaction is rolled back. Tx waits for that: when it
// returns, nothing is under way. Python: a transaction as an async context manager.
//
//	err := db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
//		add := "UPDATE accounts SET cents = cents + ? WHERE id = ?"
//		if _, err := tx.Exec(ctx, add, -500, from); err != nil {
//			return err
//		}
//		_, err := tx.Exec(ctx, add, 500, to)
//		return err
//	})
//
// # Connections
//
// A DB has a number of connections ([MaxConns]). If none is free, a task waits in line, on the
// loop. No goroutine waits for a connection, so tasks that have one can always go on. A statement
// takes a connection while it runs, a Query until its iteration ends, a transaction until its end.
// Tasks that hold all connections and ask for further ones would wait for ever; they get
// [ErrExhausted].
//
// If the driver panics in a query, package database/sql never gives its connection back. The DB
// then allows one more, so that nothing waits for it. The lost connection stays open until the
// process ends, and a transaction on it can only fail. A [driver.Valuer] that panics does no such
// harm, unless the driver checks arguments itself, as a [driver.NamedValueChecker].
//
// # Cancellation
//
// When a task is cancelled, or its time is up, the driver is told, and the call waits until the
// driver returns. Most drivers interrupt the statement at once. A statement that was completed in
// spite of that counts as done. A commit, which no driver can interrupt, is waited for.
package aiosql
