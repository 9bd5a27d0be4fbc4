// Restaurant shows one loop at work. LoopBot greets diners, waits at the tables, cooks and opens
// the wine, all at what looks like the same time, as long as every task is short.
//
//	go run ./examples/restaurant             two evenings, as an animation if somebody watches
//	go run ./examples/restaurant -plain      as lines, at once
//	go run ./examples/restaurant -help
//
// Read in this order: house.go, guests.go, bots.go, and hands.go, where the loop is held. The
// evenings differ in one place, bots.go has it. frame.go draws.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aio-go/aio/examples/internal/cli"
	"golang.org/x/term"
)

func main() {
	// A loop that is blocked cannot see a signal, and here it is blocked for the show; so another
	// goroutine watches for it.
	ctx, stop := cli.Signals()
	defer stop()
	screen := screen{}
	if width, height, err := term.GetSize(int(os.Stdout.Fd())); err == nil &&
		os.Getenv("TERM") != "dumb" {
		screen.out, screen.width, screen.height = os.Stdout, width, height
		screen.colours = os.Getenv("NO_COLOR") == ""
	}
	code := run(ctx, os.Args[1:], cli.Standard(), screen)
	stop()
	os.Exit(code)
}

// screen is where the animation is shown.
type screen struct {
	out           io.Writer // nil if there is no terminal
	width, height int
	colours       bool
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams, screen screen) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("restaurant", usage, err)
	}
	animated := screen.out != nil && !s.plain && !s.json
	if animated && (screen.width < frameWidth || screen.height < frameHeight) {
		fmt.Fprintf(std.Err, "restaurant: the window has %d columns and %d lines, the animation "+
			"needs %d and %d; so here are lines\n",
			screen.width, screen.height, frameWidth, frameHeight)
		animated = false
	}
	var evenings []*evening
	for _, e := range s.evenings() {
		if animated {
			err = e.animate(ctx, s, screen)
		} else {
			err = e.tell(ctx, s, std.Out)
		}
		evenings = append(evenings, e)
		if err != nil {
			break
		}
	}
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return std.Fail("restaurant", err)
	}
	if s.json {
		err = writeJSON(std.Out, evenings)
	} else {
		err = writeSummary(std.Out, evenings)
	}
	switch {
	case interrupted:
		fmt.Fprintln(std.Err, "restaurant: interrupted; the doors are closed")
		return cli.Interrupted
	case err != nil:
		return std.Fail("restaurant", err)
	}
	return cli.OK
}
