package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
)

// counts are transfers by what became of them. Tasks of one loop share them without a lock.
type counts struct {
	planned, made, refused, open int
}

func (c counts) String() string {
	return fmt.Sprintf("%d of %d transfers made, %d refused for lack of money",
		c.made, c.planned, c.refused)
}

// work makes the tellers do the transfers. The first error ends it; transfers under way are rolled
// back.
func (p *program) work(ctx context.Context, b *bank) error {
	ids, err := aiosql.All[int64](ctx, b.db, "SELECT id FROM accounts ORDER BY id")
	if err != nil {
		return err
	}
	p.count = counts{planned: p.transfers, open: p.transfers}
	random := rand.New(rand.NewPCG(p.seed, 0))
	return p.withProgress(ctx, func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range p.tellers {
				g.Go(func(ctx context.Context) error {
					for p.count.open > 0 {
						p.count.open--
						if err := p.one(ctx, b, choose(random, ids)); err != nil {
							return err
						}
					}
					return nil
				}, aio.Name(fmt.Sprint("teller ", i+1)))
			}
			return nil
		})
	})
}

// one makes one transfer.
func (p *program) one(ctx context.Context, b *bank, t *transfer) error {
	err := aio.Timeout(ctx, p.timeout, func(ctx context.Context) error {
		return b.transfer(ctx, t)
	})
	switch {
	case errors.Is(err, errPoor):
		p.count.refused++
		return nil
	case err != nil:
		return err
	}
	p.count.made++
	if p.json {
		return json.NewEncoder(p.Out).Encode(t)
	}
	return nil
}

// choose thinks of a transfer between two accounts.
func choose(random *rand.Rand, ids []int64) *transfer {
	from := random.IntN(len(ids))
	to := (from + 1 + random.IntN(len(ids)-1)) % len(ids)
	return &transfer{Source: ids[from], Target: ids[to], Cents: 1 + random.Int64N(500_00)}
}

const (
	repaint   = 100 * time.Millisecond
	clearLine = "\r\x1b[K"
)

// withProgress calls fn while a second task keeps a line on the terminal, if there is one, up to
// date.
func (p *program) withProgress(ctx context.Context, fn func(ctx context.Context) error) error {
	if p.Progress == nil {
		return fn(ctx)
	}
	defer io.WriteString(p.Progress, clearLine)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				fmt.Fprintf(p.Progress, "%s%v ...", clearLine, p.count)
				if err := aio.Sleep(ctx, repaint); err != nil {
					return err
				}
			}
		}, aio.Name("progress"))
		defer g.Cancel(errors.New("the work is done"))
		return fn(ctx)
	})
}
