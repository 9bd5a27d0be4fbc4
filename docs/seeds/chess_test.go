package seeds_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aio-go/aio"
)

const (
	chessOpponents = 24
	chessMoves     = 30 // pairs of moves in a game
	chessMaster    = 5 * time.Second
	chessOpponent  = 55 * time.Second
)

// Async IO explained, the chess exhibition: game after game takes twelve hours.
func Example_seedsChessSynchronous() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		for range chessOpponents * chessMoves {
			if err := aio.Sleep(ctx, chessMaster); err != nil {
				return err
			}
			if err := aio.Sleep(ctx, chessOpponent); err != nil {
				return err
			}
		}
		fmt.Println("the exhibition took", elapsed())
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// the exhibition took 12h0m0s
}

// Async IO explained, the chess exhibition: moving from table to table takes one hour.
func Example_seedsChessAsynchronous() {
	aio.Run(context.Background(), func(ctx context.Context) error {
		elapsed := stopwatch(ctx)
		var master aio.Lock // there is only one, and she makes one move at a time
		var last time.Duration
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range chessOpponents {
				g.Go(func(ctx context.Context) error {
					for range chessMoves {
						err := master.With(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, chessMaster) })
						if err != nil {
							return err
						}
						last = elapsed()
						if err := aio.Sleep(ctx, chessOpponent); err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		fmt.Println("her last move was made after", last)
		return err
	}, aio.WithClock(aio.NewVirtualClock()))
	// Output:
	// her last move was made after 1h0m0s
}
