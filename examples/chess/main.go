// Chess plays an exhibition: one master against many opponents, one game after the other and in
// turns.
//
//	go run ./examples/chess                24 boards, 12 hours and 1 hour, at once
//	go run ./examples/chess -boards 6
//	go run ./examples/chess -help
//
// exhibition.go has the two ways to play it; they differ in a line or two. The rest shows the
// result.
package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

func main() {
	// The results are written when no loop runs any more that could see a signal.
	ctx, stop := cli.Signals()
	code := run(ctx, os.Args[1:], cli.Standard())
	stop()
	os.Exit(code)
}

// until is a writer that takes nothing any more when ctx has ended.
type until struct {
	ctx context.Context
	to  io.Writer
}

func (u until) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.to.Write(p)
}

// run is the whole program, from the command line to the exit code.
func run(ctx context.Context, args []string, std cli.Streams) int {
	s, err := parseFlags(args)
	if err != nil {
		return std.Usage("chess", usage, err)
	}
	sequential, concurrent := newRecord(s), newRecord(s)
	err = play(ctx, s.exhibition, oneAfterTheOther, sequential)
	if err == nil {
		err = play(ctx, s.exhibition, fromTableToTable, concurrent)
	}
	if err == nil {
		out := until{ctx, std.Out}
		if s.json {
			err = writeJSON(out, sequential, concurrent)
		} else {
			err = writeTable(out, s.exhibition, sequential, concurrent)
		}
	}
	switch code := cli.Code(ctx, err); {
	case code == cli.Interrupted:
		fmt.Fprintln(std.Err, "chess: interrupted before the exhibition was over")
		return code
	case err != nil:
		return std.Fail("chess", err)
	}
	return cli.OK
}

// play plays the exhibition in one of the two ways, under a clock of its own that does not have to
// be waited for.
func play(ctx context.Context, e exhibition, way way, r *record) error {
	clock := aio.NewVirtualClock()
	r.began = clock.Now()
	err := cli.Loop(ctx, func(ctx context.Context) error { return way(ctx, e, r) },
		aio.WithClock(clock))
	r.ended = clock.Now()
	return err
}
