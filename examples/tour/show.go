package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clock"
)

// show is what a program is given: where to print, the clock, random numbers.
type show struct {
	clock  *clock.Clock
	random func() float64 // from 0 to 1
	times  bool           // before every line
	net    bool           // ask the real sites
	loop   *aio.Loop      // that the program runs on

	mu  sync.Mutex // threads print, too
	out io.Writer
}

func newShow(out io.Writer, s settings) *show {
	return &show{clock: clock.New(s.real), random: rand.Float64, times: s.times,
		net: s.net, out: out}
}

// onLoop runs a program's main function on a loop of its own.
func (s *show) onLoop(ctx context.Context, main func(ctx context.Context) error) error {
	return cli.Loop(ctx, func(ctx context.Context) error {
		s.loop = aio.RunningLoop(ctx)
		return main(ctx)
	}, aio.WithClock(s.clock))
}

func (s *show) println(args ...any) { s.print(fmt.Sprintln(args...)) }

func (s *show) printf(format string, args ...any) { s.print(fmt.Sprintf(format, args...)) }

// print writes text, which ends with a newline.
func (s *show) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times && strings.TrimSpace(text) != "" {
		text = s.clock.Now().Format(time.ANSIC) + " " + text
	}
	io.WriteString(s.out, text)
}

// block is time.Sleep.
func (s *show) block(d time.Duration) { s.clock.Block(d) }

// blockBeside is time.Sleep on another goroutine than the loop's.
func (s *show) blockBeside(d time.Duration) { s.clock.BlockBeside(s.loop, d) }

// client returns a client for the pages here, or for the real ones.
func (s *show) client() *aiohttp.Client {
	if s.net {
		return &aiohttp.Client{Timeout: patience}
	}
	return newClient()
}

// withNames gives the context the names here; with -net the look-ups ask the system.
func (s *show) withNames(ctx context.Context) context.Context {
	if s.net {
		return ctx
	}
	return withNames(ctx)
}

func (s *show) now() time.Time { return s.clock.Now() }

// time is the time of day.
func (s *show) time() string { return s.now().Format(time.TimeOnly) }

// truth writes a truth value the way the originals do.
func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// inSeconds is for the numbers of the originals.
func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
