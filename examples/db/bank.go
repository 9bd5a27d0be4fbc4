package main

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/examples/internal/cli"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// startCents is what an account has in the beginning.
const startCents = 1000_00

// bank is a database with accounts and transfers.
type bank struct {
	db      *aiosql.DB
	name    string // for people
	dialect dialect
	remove  string // the folder to be removed with it, "" if there is none
}

// dialect is where the two databases differ.
type dialect struct {
	key      string // the type of a key that the database gives
	place    string // what stands before the number of an argument
	conns    int
	snapshot []aiosql.TxOption // a transaction that sees one state of the data
	// keeps others from founding the bank at the same time, "" if nothing has to
	exclusive string
}

var (
	// SQLite allows one write at a time; with one connection, the others wait in a task.
	sqlite   = dialect{key: "INTEGER PRIMARY KEY AUTOINCREMENT", place: "?", conns: 1}
	postgres = dialect{key: "BIGSERIAL PRIMARY KEY", place: "$", conns: 8,
		snapshot:  []aiosql.TxOption{aiosql.Isolation(sql.LevelRepeatableRead), aiosql.ReadOnly()},
		exclusive: "SELECT pg_advisory_xact_lock(4711)"}
)

// open opens the database, and the accounts if there are none.
func open(ctx context.Context, s settings) (*bank, error) {
	b := &bank{dialect: sqlite}
	driver, dsn := "sqlite", ""
	switch {
	case s.url != "":
		b.dialect, b.name = postgres, "PostgreSQL"
		driver, dsn = "pgx", s.url
	case s.file == "":
		dir, err := os.MkdirTemp("", "bank")
		if err != nil {
			return nil, err
		}
		b.remove, b.name = dir, "SQLite, a database of its own"
		dsn = sqliteDSN(filepath.Join(dir, "bank.db"))
	default:
		b.name, dsn = "SQLite, "+cli.Printable(s.file), sqliteDSN(s.file)
	}
	db, err := aiosql.Open(ctx, driver, dsn, aiosql.MaxConns(b.dialect.conns))
	if err == nil {
		b.db = db
		err = b.found(ctx, s.accounts)
	}
	if err != nil {
		b.close(context.WithoutCancel(ctx))
		return nil, err
	}
	return b, nil
}

// sqliteDSN is the name of a database for the driver. A transaction writes from its first statement
// on, which waits for other processes.
func sqliteDSN(file string) string {
	return "file:" + (&url.URL{Path: file}).EscapedPath() +
		"?_txlock=immediate&_pragma=busy_timeout(5000)" +
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"
}

// close closes the database.
func (b *bank) close(ctx context.Context) error {
	var err error
	if b.db != nil {
		err = b.db.Close(ctx)
	}
	if b.remove != "" {
		err = errors.Join(
			err,
			aio.Blocking(context.WithoutCancel(ctx), func(context.Context) error {
				return os.RemoveAll(b.remove)
			}),
		)
	}
	return err
}

// sql is a statement in the database's dialect: its arguments are written ?1, ?2 and so on.
func (b *bank) sql(text string) string { return strings.ReplaceAll(text, "?", b.dialect.place) }

// found makes the tables and opens the accounts, unless that was done before: all of it, or
// nothing.
func (b *bank) found(ctx context.Context, accounts int) error {
	return b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
		if b.dialect.exclusive != "" {
			if _, err := tx.Exec(ctx, b.dialect.exclusive); err != nil {
				return err
			}
		}
		for _, table := range []string{
			`CREATE TABLE IF NOT EXISTS accounts (id BIGINT PRIMARY KEY,
				cents BIGINT NOT NULL CHECK (cents >= 0))`,
			`CREATE TABLE IF NOT EXISTS transfers (id ` + b.dialect.key +
				`, source BIGINT NOT NULL REFERENCES accounts,
				target BIGINT NOT NULL REFERENCES accounts, cents BIGINT NOT NULL CHECK (cents > 0))`,
		} {
			if _, err := tx.Exec(ctx, table); err != nil {
				return err
			}
		}
		there, err := aiosql.One[int](ctx, tx, "SELECT count(*) FROM accounts")
		if err != nil {
			return err
		}
		for id := there + 1; there == 0 && id <= accounts; id++ {
			if _, err := tx.Exec(ctx, b.sql("INSERT INTO accounts (id, cents) VALUES (?1, ?2)"), id,
				startCents); err != nil {
				return err
			}
		}
		return nil
	})
}
