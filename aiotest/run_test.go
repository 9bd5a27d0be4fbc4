package aiotest_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// runOnce returns what Run would print.
func runOnce(
	t *testing.T,
	fn func(ctx context.Context, t *aiotest.T) error,
	opts ...aiotest.Option,
) *recorder {
	r := &recorder{TB: t, name: t.Name()}
	aiotest.Run(r, fn, opts...)
	return r
}

func TestRunTakesNoTime(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		begun := aio.RunningLoop(ctx).Time()
		err := aio.Sleep(ctx, 1000*time.Hour)
		if took := aio.RunningLoop(ctx).Time().Sub(begun); took != 1000*time.Hour {
			t.Errorf("it took %v", took)
		}
		return err
	})
}

func TestRunFailsWithWhatAProgramForgets(t *testing.T) {
	boom := errors.New("boom")
	fail := func(context.Context) error { return boom }
	for _, c := range []struct {
		name string
		fn   func(ctx context.Context, t *aiotest.T) error
		want string
	}{
		{"an error", func(context.Context, *aiotest.T) error {
			return boom
		}, "aiotest: error: boom"},
		{"a panic", func(context.Context, *aiotest.T) error { panic("oh") }, "aiotest: panic: oh"},
		{"an unseen error", func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, fail, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "task lost, made at run_test.go:"},
		{"a panic in a task", func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, func(context.Context) error { panic("oh") }, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "task lost, made at run_test.go:"},
		{"a task that is left", func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, anHour, aio.Name("lost"))
			return aio.Yield(ctx)
		}, "aiotest: leak: the function has returned, but task lost, made at run_test.go:"},
		{"Fatal in a task", func(ctx context.Context, t *aiotest.T) error {
			_, err := aio.Start(ctx, func(context.Context) error {
				t.Fatal("over")
				return nil
			}).Await(ctx)
			return err
		}, "over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := runOnce(t, c.fn)
			if len(r.errors) != 1 || !strings.Contains(r.errors[0], c.want) {
				t.Errorf("%q", r.errors)
			}
		})
	}
}

func TestATaskThatWasCancelledIsNoLeak(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		defer task.Cancel(nil)
		return aio.Yield(ctx)
	})
}

func TestLeaksMayBeAllowed(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		return aio.Yield(ctx)
	}, aiotest.AllowLeaks())
}

func TestRunAndExploreWorkInABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleep := func(ctx context.Context, _ *aiotest.T) error { return aio.Sleep(ctx, time.Hour) }
		aiotest.Run(t, sleep)
		aiotest.Explore(t, sleep)
	})
}

func TestRunFailsWithWhatIsLeftOpen(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notes")
	for _, c := range []struct {
		name string
		fn   func(ctx context.Context, t *aiotest.T) error
		want []string
	}{
		{"a file", func(ctx context.Context, _ *aiotest.T) error {
			_, err := aiofile.Create(ctx, name)
			return err
		}, []string{
			"aiotest: not closed: aiofile: the loop was closed before the file",
			"opened run_test.go:",
		}},
		{"a file that is closed", func(ctx context.Context, _ *aiotest.T) error {
			f, err := aiofile.Create(ctx, name)
			if err != nil {
				return err
			}
			return f.Close(ctx)
		}, nil},
		{"a connection", func(ctx context.Context, _ *aiotest.T) error {
			return withServer(ctx, func(ctx context.Context, addr string) error {
				_, _, err := stream.Open(ctx, "tcp", addr)
				return err
			})
		}, []string{
			"aiotest: not closed: transport: the loop was closed before the connection",
			"opened run_test.go:",
		}},
		{"a response", func(ctx context.Context, t *aiotest.T) error {
			large := func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 1<<20)) }
			web := httptest.NewServer(http.HandlerFunc(large))
			t.Cleanup(web.Close)
			t.Cleanup(web.CloseClientConnections)
			_, err := new(aiohttp.Client).Get(ctx, web.URL)
			return err
		}, []string{
			"aiotest: not closed: aiohttp: the loop was closed before a response",
			"requested at run_test.go:",
		}},
		{"a timer", func(ctx context.Context, _ *aiotest.T) error {
			aio.RunningLoop(ctx).CallLater(time.Hour, func() {})
			return nil
		}, []string{
			"aiotest: leak: the function has returned, but a timer still runs: <Handle run_test",
			"scheduled at run_test.go:",
		}},
		{"a timer that was cancelled", func(ctx context.Context, _ *aiotest.T) error {
			aio.RunningLoop(ctx).CallLater(time.Hour, func() {}).Cancel()
			return nil
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var opts []aiotest.Option
			if c.name == "a connection" {
				opts = append(opts, aiotest.AllowLeaks()) // the handler of the server
			}
			r := runOnce(t, c.fn, opts...)
			for _, fn := range r.cleanups {
				fn()
			}
			if len(c.want) == 0 && len(r.errors) == 0 {
				return
			}
			if len(r.errors) != 1 {
				t.Fatalf("%q", r.errors)
			}
			for _, want := range c.want {
				if !strings.Contains(r.errors[0], want) {
					t.Errorf("%q is not in %q", want, r.errors[0])
				}
			}
		})
	}
}

// withServer runs fn beside a server that accepts connections and keeps them.
func withServer(ctx context.Context, fn func(ctx context.Context, addr string) error) error {
	s, err := stream.Serve(
		ctx,
		"tcp",
		"127.0.0.1:0",
		func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			_, err := r.ReadAll(ctx)
			return err
		},
	)
	if err != nil {
		return err
	}
	err = fn(ctx, s.Addrs()[0].String())
	s.Close()
	return err
}

// Whatever a test does, the functions given to threads end at one point.
func TestThreadsEndBeforeTheNextStepOfARun(t *testing.T) {
	for range 20 {
		aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
			order := ""
			thread := func(name string, d time.Duration) func(ctx context.Context) error {
				return func(ctx context.Context) error {
					err := aio.Blocking(ctx, func(context.Context) error {
						time.Sleep(d) // the machine is slow
						return nil
					})
					order += name
					return err
				}
			}
			a, b := aio.Start(ctx, thread("a", 2*time.Millisecond)), aio.Start(ctx, thread("b", 0))
			_, err := aio.Gather[aio.None](ctx, a, b)
			if order != "ab" {
				t.Error(order)
			}
			return err
		})
	}
}

// twisted is an error of a user that turns on its callers and wraps itself.
type twisted struct{}

func (e *twisted) Error() string { return "twisted" }
func (e *twisted) Unwrap() error { return e }
func (e *twisted) Is(error) bool { panic("Is") }
func (e *twisted) As(any) bool   { panic("As") }

func TestErrorsOfProgramsAreAskedWithCare(t *testing.T) {
	fail := func(context.Context) error { return &twisted{} }
	for name, fn := range map[string]func(ctx context.Context, t *aiotest.T) error{
		"main": func(ctx context.Context, _ *aiotest.T) error { return fail(ctx) },
		"a task": func(ctx context.Context, _ *aiotest.T) error {
			aio.Start(ctx, fail)
			return aio.Yield(ctx)
		},
	} {
		if r := runOnce(t, fn); !strings.Contains(strings.Join(r.errors, "\n"), "twisted") {
			t.Errorf("%s: %q", name, r.errors)
		}
	}
}

func TestAHandlerThatIsLeftNamesTheLineOfTheServerAndTheRemedy(t *testing.T) {
	program := func(ctx context.Context, t *aiotest.T) error {
		ctx = transport.WithNetwork(ctx, transport.Memory())
		hang := func(ctx context.Context, _ *stream.Reader, _ *stream.Writer) error { return anHour(ctx) }
		server, err := stream.Serve(ctx, "tcp", "localhost:1", hang)
		if err != nil {
			return err
		}
		defer server.Close()
		_, w, err := stream.Open(ctx, "tcp", "localhost:1")
		if err != nil {
			return err
		}
		defer w.Close()
		return aio.Sleep(ctx, time.Second)
	}
	wantOne(t, explore(t, program, aiotest.Schedules(1)),
		"but task stream handler for ", ", made at run_test.go:",
		" has not ended; it is in Sleep; call Server.Shutdown, or Close and WaitClosed\n")
}
