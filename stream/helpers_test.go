package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// patience is the time after which a test that uses real connections is stuck.
const patience = time.Minute

// run runs main as the main task of a loop and fails if something was reported to the exception
// handler.
func run(t *testing.T, main func(ctx context.Context)) {
	t.Helper()
	for _, r := range reportsOf(t, main) {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}
}

// reportsOf runs main as the main task of a loop and returns the reports of the exception handler.
func reportsOf(t *testing.T, main func(ctx context.Context)) (reports []aio.Report) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Timeout(ctx, patience, func(ctx context.Context) error {
			main(ctx)
			return nil
		})
	}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r) }))
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	return reports
}

// sub is a subtest on a loop of its own.
func sub(t *testing.T, name string, main func(t *testing.T, ctx context.Context)) {
	t.Run(name, func(t *testing.T) {
		run(t, func(ctx context.Context) { main(t, ctx) })
	})
}

// onBoth runs the test on both real networks, because it uses the system beside them.
func onBoth(t *testing.T, test func(t *testing.T, run func(main func(ctx context.Context)))) {
	on(t, test, map[string]transport.Network{
		"native":   transport.Native(),
		"portable": transport.Portable(),
	})
}

// onEach runs the test on every network: the real ones, and the one in memory.
func onEach(t *testing.T, test func(t *testing.T, run func(main func(ctx context.Context)))) {
	onBoth(t, test)
	on(t, test, map[string]transport.Network{"memory": transport.Memory()})
}

func on(
	t *testing.T,
	test func(t *testing.T, run func(main func(ctx context.Context))),
	networks map[string]transport.Network,
) {
	for name, n := range networks {
		t.Run(name, func(t *testing.T) {
			test(t, func(main func(ctx context.Context)) {
				t.Helper()
				run(t, func(ctx context.Context) { main(transport.WithNetwork(ctx, n)) })
			})
		})
	}
}

// yields lets the loop run n passes.
func yields(ctx context.Context, n int) {
	for range n {
		aio.Yield(ctx)
	}
}

// matches checks err against each of targets with errors.Is.
func matches(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error %v (%s) does not match %v", err, reflect.TypeOf(err), target)
		}
	}
}

// ok fails the test at once if err is not nil.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// panics calls fn and checks that it panics with a message that contains each of parts.
func panics(t *testing.T, fn func(), parts ...string) {
	t.Helper()
	defer func() {
		t.Helper()
		msg := fmt.Sprint(recover())
		for _, part := range parts {
			if !strings.Contains(msg, part) {
				t.Errorf("the panic says %q, want %q in it", msg, part)
			}
		}
	}()
	fn()
}

// noise returns n bytes that do not repeat.
func noise(n int) []byte {
	p := make([]byte, n)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	return p
}

// tap is a Source that notes whether it is paused.
type tap struct {
	paused bool
	pauses int
}

func (s *tap) PauseReading()  { s.paused = true; s.pauses++ }
func (s *tap) ResumeReading() { s.paused = false }
