package main

import (
	"context"
	"errors"

	"github.com/aio-go/aio/aiosql"
)

// transfer is money on its way from one account to another.
type transfer struct {
	ID     int64 `json:"transfer"` // given by the database
	Source int64 `json:"from"`
	Target int64 `json:"to"`
	Cents  int64 `json:"cents"`
}

// errPoor says that there is not enough money for a transfer.
var errPoor = errors.New("there is not enough money")

// transfer makes one transfer. Either all of it happens or nothing: if anything fails in between,
// if there is not enough money, if time is up or Ctrl-C was pressed, the transaction is rolled
// back.
//
// In Python this would be: async with connection.transaction():
func (b *bank) transfer(ctx context.Context, t *transfer) error {
	return b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
		return b.move(ctx, tx, t)
	})
}

// move is what a transfer does in its transaction.
func (b *bank) move(ctx context.Context, tx *aiosql.Tx, t *transfer) error {
	// Always the lower account first, or two transfers in opposite directions could wait for each
	// other.
	first, second := change{t.Source, -t.Cents}, change{t.Target, t.Cents}
	if first.account > second.account {
		first, second = second, first
	}
	for _, c := range []change{first, second} {
		result, err := tx.Exec(ctx, b.sql("UPDATE accounts SET cents = cents + ?1 WHERE id = ?2 "+
			"AND cents + ?1 >= 0"), c.cents, c.account)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return errPoor
		}
	}
	id, err := aiosql.One[int64](ctx, tx,
		b.sql("INSERT INTO transfers (source, target, cents) VALUES (?1, ?2, ?3) RETURNING id"),
		t.Source, t.Target, t.Cents)
	t.ID = id
	return err
}

// change is what a transfer does to an account.
type change struct{ account, cents int64 }
