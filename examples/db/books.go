package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/examples/internal/cli"
)

// books are what an audit finds.
type books struct {
	accounts  int
	cents     int64
	transfers int
	problem   string // "" if they balance
}

func (b books) balanced() bool { return b.problem == "" }

func (b books) String() string {
	return fmt.Sprintf("%s in %s, %s on record",
		money(b.cents), cli.Count(b.accounts, "account"), cli.Count(b.transfers, "transfer"))
}

// money is an amount for people.
func money(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

// audit reads the books row by row. Every account must have its first balance plus the recorded
// transfers, and the sum of all money must be the same.
func (b *bank) audit(ctx context.Context) (books, error) {
	var found books
	err := b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
		found = books{}
		due := map[int64]int64{}
		for t, err := range aiosql.Query[transfer](ctx, tx,
			"SELECT id, source, target, cents FROM transfers") {
			if err != nil {
				return err
			}
			due[t.Source] -= t.Cents
			due[t.Target] += t.Cents
			found.transfers++
		}
		type account struct{ ID, Cents int64 }
		for a, err := range aiosql.Query[account](ctx, tx,
			"SELECT id, cents FROM accounts ORDER BY id") {
			if err != nil {
				return err
			}
			found.accounts++
			found.cents += a.Cents
			if want := startCents + due[a.ID]; a.Cents != want && found.problem == "" {
				found.problem = fmt.Sprintf("the books do not balance: account %d has %s; "+
					"by its transfers it should have %s",
					a.ID, money(a.Cents), money(want))
			}
		}
		if want := int64(found.accounts) * startCents; found.cents != want && found.problem == "" {
			found.problem = fmt.Sprintf("the books do not balance: there are %s in all and "+
				"should be %s", money(found.cents), money(want))
		}
		return nil
	}, b.dialect.snapshot...)
	return found, err
}

// largest shows the largest transfers, up to half a percent of the moved money. Their number is
// known only while they are read: rows that are not needed are never fetched.
func (b *bank) largest(ctx context.Context, w io.Writer) error {
	const share = 200
	all, err := aiosql.One[int64](ctx, b.db,
		"SELECT CAST(coalesce(sum(cents), 0) AS BIGINT) FROM transfers")
	if err != nil {
		return err
	}
	sum := int64(0)
	for t, err := range aiosql.Query[transfer](ctx, b.db,
		"SELECT id, source, target, cents FROM transfers ORDER BY cents DESC, id") {
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%8d  %10s  from %5d to %5d\n", t.ID, money(t.Cents), t.Source, t.Target)
		if sum += t.Cents; sum*share >= all {
			break
		}
	}
	return nil
}

// result is what -json prints in the end.
type result struct {
	Made         int   `json:"made"`
	Refused      int   `json:"refused"`
	Accounts     int   `json:"accounts"`
	Cents        int64 `json:"cents"`
	Recorded     int   `json:"recorded"`
	Balanced     bool  `json:"balanced"`
	Milliseconds int64 `json:"milliseconds"`
}

func (p *program) writeResult(took time.Duration) error {
	return json.NewEncoder(p.Out).Encode(result{
		Made: p.count.made, Refused: p.count.refused, Accounts: p.books.accounts,
		Cents:    p.books.cents,
		Recorded: p.books.transfers, Balanced: p.books.balanced(),
		Milliseconds: took.Milliseconds(),
	})
}
