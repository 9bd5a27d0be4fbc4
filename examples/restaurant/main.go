// Restaurant shows one loop at work: LoopBot, who greets diners, waits at the tables, cooks and opens the
// wine, all at what looks like the same time, as long as every task is short.
//
//	go run ./examples/restaurant             two evenings, as an animation if somebody watches
//	go run ./examples/restaurant -plain      as lines, at once
//	go run ./examples/restaurant -help
//
// Read in this order: house.go, guests.go, bots.go, and hands.go, where the loop is held. The evenings
// differ in one place, bots.go has it. frame.go draws.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"
)

func main() {
	// A loop that is blocked cannot see a signal, and here it is blocked for the show; so somebody else
	// looks out for it.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	std := streams{out: os.Stdout, err: os.Stderr}
	if width, height, err := term.GetSize(int(os.Stdout.Fd())); err == nil && os.Getenv("TERM") != "dumb" {
		std.screen = os.Stdout
		std.width, std.height = width, height
		std.colours = os.Getenv("NO_COLOR") == ""
	}
	code := run(ctx, os.Args[1:], std)
	stop()
	os.Exit(code)
}

// streams are where the program writes.
type streams struct {
	out, err      io.Writer
	screen        io.Writer // nil if there is no terminal
	width, height int       // of the screen
	colours       bool
}

// The exit codes.
const (
	succeeded      = 0
	failed         = 1
	wrongUsage     = 2
	wasInterrupted = 130
)

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std streams) int {
	s, err := parseFlags(args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprint(std.out, usage)
		return succeeded
	}
	if err != nil {
		fmt.Fprintf(std.err, "restaurant: %v\nTry restaurant -help.\n", err)
		return wrongUsage
	}
	animated := std.screen != nil && !s.plain && !s.json
	if animated && (std.width < frameWidth || std.height < frameHeight) {
		fmt.Fprintf(std.err, "restaurant: the window has %d columns and %d lines, the animation needs %d and %d; so here are lines\n",
			std.width, std.height, frameWidth, frameHeight)
		animated = false
	}
	var evenings []*evening
	for _, e := range s.evenings() {
		if animated {
			err = e.animate(ctx, s, std)
		} else {
			err = e.tell(ctx, s, std.out)
		}
		evenings = append(evenings, e)
		if err != nil {
			break
		}
	}
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		fmt.Fprintln(std.err, "restaurant:", err)
		return failed
	}
	if s.json {
		err = writeJSON(std.out, evenings)
	} else {
		err = writeSummary(std.out, evenings)
	}
	switch {
	case interrupted:
		fmt.Fprintln(std.err, "restaurant: interrupted; the doors are closed")
		return wasInterrupted
	case err != nil:
		fmt.Fprintln(std.err, "restaurant:", err)
		return failed
	}
	return succeeded
}
