package main

import (
	"context"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// exhibition describes the games: she has the first move in each game, and an opponent the last.
type exhibition struct {
	boards   int
	pairs    int           // moves of each side in a game
	master   time.Duration // how long she takes for a move
	opponent time.Duration
}

// A way plays the exhibition and keeps the record.
type way func(ctx context.Context, e exhibition, r *record) error

// oneAfterTheOther: she stays at a table until the game is over.
func oneAfterTheOther(ctx context.Context, e exhibition, r *record) error {
	for board := range e.boards {
		for range e.pairs {
			if err := aio.Sleep(ctx, e.master); err != nil {
				return err
			}
			r.moved(ctx, board, her, e.master)
			if err := aio.Sleep(ctx, e.opponent); err != nil {
				return err
			}
			r.moved(ctx, board, opponent, e.opponent)
		}
	}
	return nil
}

// fromTableToTable: she makes a move and goes to the table that has waited longest. Each game is a
// task now, and there is only one of her: a lock, which tasks get in FIFO order.
func fromTableToTable(ctx context.Context, e exhibition, r *record) error {
	var she aiosync.Lock
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for board := range e.boards {
			g.Go(func(ctx context.Context) error {
				for range e.pairs {
					if err := she.With(ctx, func(ctx context.Context) error {
						return aio.Sleep(ctx,
							e.master)
					}); err != nil {
						return err
					}
					r.moved(ctx, board, her, e.master)
					if err := aio.Sleep(ctx, e.opponent); err != nil {
						return err
					}
					r.moved(ctx, board, opponent, e.opponent)
				}
				return nil
			})
		}
		return nil
	})
}
