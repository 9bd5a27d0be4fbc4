// Package aiosql lets tasks use package database/sql: statements, rows, transactions, with any of its drivers.
// The calls of drivers block, so they are made off the loop, on a goroutine; a task that asks a database
// suspends, and the loop goes on. asyncio has no counterpart; it stands for asyncpg, aiosqlite and their kind.
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
//	for it, err := range aiosql.Query[item](ctx, db, "SELECT name, price FROM items WHERE price < ?", 100) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(it.Name, it.Price)
//	}
//
// # Rows
//
// [Query] is an iterator that fetches as it goes: the first row comes as soon as it is there, then rows come in
// batches that grow, scanned off the loop. Breaking out of the range ends the statement. [One] and [All] are for
// a single row and for few; [DB.Query] is for rows whose columns are not known.
//
// # Transactions
//
// [DB.Tx] calls a function with a transaction and commits when it returns. If it returns an error, panics, ends
// its task or is cancelled, the transaction is rolled back, and that is waited for: when Tx returns, nothing is
// under way any more. It is what a transaction as an async context manager is in Python.
//
//	err := db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
//		if _, err := tx.Exec(ctx, "UPDATE accounts SET cents = cents - ? WHERE id = ?", 500, from); err != nil {
//			return err
//		}
//		_, err := tx.Exec(ctx, "UPDATE accounts SET cents = cents + ? WHERE id = ?", 500, to)
//		return err
//	})
//
// # Connections
//
// A DB has a number of connections ([MaxConns]). Whoever asks for one that is not there waits in line, on the loop:
// no goroutine waits for a connection, so those that have one can always go on. A statement takes a connection
// for as long as it runs, a Query until its iteration ends, a transaction until its end. Tasks that hold all
// connections and ask for further ones would wait for ever; they get [ErrExhausted].
//
// # Cancellation
//
// When a task is cancelled, or its time is up, the driver is told, and the call waits until the driver has let go:
// most interrupt the statement at once. A statement that was done nevertheless counts as done. What cannot be
// interrupted by any driver, such as a commit, is waited for.
package aiosql
