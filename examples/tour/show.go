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
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clock"
)

// show is what a program is given: where to print, the clock, random numbers.
type show struct {
	clock  *clock.Clock
	random func() float64 // from 0 to 1
	times  bool           // before every line

	mu  sync.Mutex // threads print, too
	out io.Writer
}

func newShow(out io.Writer, s settings) *show {
	return &show{clock: clock.New(s.real), random: rand.Float64, times: s.times, out: out}
}

// onLoop runs a program's main function on a loop of its own.
func (s *show) onLoop(ctx context.Context, main func(ctx context.Context) error) error {
	return cli.Loop(ctx, main, aio.WithClock(s.clock))
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

// time is the time of day.
func (s *show) time() string { return s.clock.Now().Format(time.TimeOnly) }

// truth writes a truth value the way the originals do.
func truth(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// inSeconds is for the numbers of the originals.
func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
