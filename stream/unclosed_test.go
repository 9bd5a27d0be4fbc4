package stream_test

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// withReports runs main in a loop and returns the reports.
func withReports(
	t *testing.T, main func(ctx context.Context, reports *[]aio.Report), opts ...aio.Option,
) (reports []aio.Report) {
	t.Helper()
	opts = append(opts, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		reports = append(reports, r)
	}))
	ok(t, aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
			main(ctx, &reports)
			return nil
		})
	}, opts...))
	return reports
}

// collect lets the collector run until cond holds, at least three times.
func collect(ctx context.Context, t *testing.T, cond func() bool) {
	t.Helper()
	for i := 0; i < 3 || !cond(); i++ {
		runtime.GC()
		ok(t, aio.Yield(ctx))
	}
}

// Conformance: S-043.
func TestAConnectionThatIsForgottenIsReportedOnceAndClosed(t *testing.T) {
	ended := false
	reports := withReports(t, func(ctx context.Context, reports *[]aio.Report) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			w.WriteString("hello\n")
			_, err := r.ReadAll(ctx)
			ended = err == nil
			return err
		}
		listen(ctx, t, handler, func(address string) {
			func() {
				r, _ := dial(ctx, t, address)
				line, err := r.ReadLine(ctx)
				expect(t, line, err, "hello\n")
			}()
			collect(ctx, t, func() bool { return ended })
			collect(ctx, t, func() bool { return true })
		})
	})
	if len(reports) != 1 || !strings.Contains(reports[0].Message, "forgotten without Close") ||
		!reports[0].Warning {
		t.Errorf("reported %+v", reports)
	}
}

func TestEitherHalfKeepsAConnection(t *testing.T) {
	once := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		line, err := r.ReadLine(ctx)
		w.Write(line)
		if err == io.EOF {
			err = nil
		}
		return err
	}
	reports := withReports(t, func(ctx context.Context, reports *[]aio.Report) {
		listen(ctx, t, once, func(address string) {
			_, w := dial(ctx, t, address)
			collect(ctx, t, func() bool { return true })
			if w.IsClosing() {
				t.Error("closed under its writer")
			}
			w.Close()

			r, w := dial(ctx, t, address)
			w.WriteString("x\n")
			collect(ctx, t, func() bool { return true }) // w is not used any more
			line, err := r.ReadLine(ctx)
			expect(t, line, err, "x\n")
			line, err = r.ReadLine(ctx) // and the peer closes
			if len(line) > 0 || err != io.EOF {
				t.Errorf("%q, %v", line, err)
			}
			if len(*reports) > 0 {
				t.Error("closed under its reader")
			}
			runtime.KeepAlive(r)
			collect(ctx, t, func() bool { return len(*reports) > 0 })
		})
	})
	if len(reports) != 1 || !strings.Contains(reports[0].Message, "forgotten") {
		t.Errorf("reported %+v", reports)
	}
}

// The only reference to a half is the call that waits.
func TestACallThatWaitsKeepsItsConnection(t *testing.T) {
	reader := func(wait func(ctx context.Context, r *stream.Reader) error,
	) func(context.Context, string) error {
		return func(ctx context.Context, address string) error {
			r, _, err := stream.Open(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return wait(ctx, r)
		}
	}
	waits := map[string]func(ctx context.Context, address string) error{
		"ReadLine": reader(func(ctx context.Context, r *stream.Reader) error {
			_, err := r.ReadLine(ctx)
			return err
		}),
		"ReadAll": reader(func(ctx context.Context, r *stream.Reader) error {
			_, err := r.ReadAll(ctx)
			return err
		}),
		"Read": reader(func(ctx context.Context, r *stream.Reader) error {
			_, err := r.Read(ctx, make([]byte, 10))
			return err
		}),
		"ReadFrame": reader(func(ctx context.Context, r *stream.Reader) error {
			_, err := r.ReadFrame(ctx, stream.Prefix32)
			return err
		}),
		"Lines": reader(func(ctx context.Context, r *stream.Reader) error {
			for _, err := range r.Lines(ctx) {
				return err
			}
			return nil
		}),
		"Writer.WaitClosed": func(ctx context.Context, address string) error {
			_, w, err := stream.Open(ctx, "tcp", address)
			if err != nil {
				return err
			}
			return w.WaitClosed(ctx)
		},
		"Writer.Drain": func(ctx context.Context, address string) error {
			_, w, err := stream.Open(ctx, "tcp", address)
			if err != nil {
				return err
			}
			w.Write(make([]byte, 64<<20))
			return w.Drain(ctx)
		},
		"PipeReader.WaitClosed": func(ctx context.Context, _ string) error {
			r, w, err := os.Pipe()
			if err != nil {
				return err
			}
			defer w.Close()
			p, err := stream.ReadPipe(ctx, r)
			if err != nil {
				return err
			}
			return p.WaitClosed(ctx)
		},
	}
	for name, wait := range waits {
		t.Run(name, func(t *testing.T) {
			withReports(t, func(ctx context.Context, reports *[]aio.Report) {
				var over aiosync.Event
				silent := func(ctx context.Context, _ *stream.Reader, _ *stream.Writer) error {
					return over.Wait(ctx)
				}
				listen(ctx, t, silent, func(address string) {
					defer over.Set()
					waiting := aio.Start(ctx, func(ctx context.Context) error {
						return wait(ctx, address)
					})
					for range 20 {
						runtime.GC()
						ok(t, aio.Yield(ctx))
					}
					if waiting.Done() || len(*reports) > 0 {
						t.Errorf("closed meanwhile: %v, %v", waiting.Err(), *reports)
					}
					waiting.Cancel(nil)
					waiting.Await(ctx)
					collect(ctx, t, func() bool { return name[0] == 'P' || len(*reports) > 0 })
				})
			})
		})
	}
}

func TestAConnectionThatWasClosedOrLostIsForgottenInSilence(t *testing.T) {
	reports := withReports(t, func(ctx context.Context, _ *[]aio.Report) {
		handler := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			if line, err := r.ReadLine(ctx); err != nil || string(line) == "abort\n" {
				w.Abort()
			}
			return nil
		}
		listen(ctx, t, handler, func(address string) {
			for _, text := range []string{"close\n", "abort\n"} {
				func() {
					r, w := dial(ctx, t, address)
					w.WriteString(text)
					if _, err := r.ReadAll(ctx); err != nil && text == "close\n" {
						t.Error(err)
					}
					w.Close()
				}()
				collect(ctx, t, func() bool { return true })
			}
		})
	})
	if len(reports) != 0 {
		t.Errorf("reported %+v", reports)
	}
}

// Conformance: S-043.
func TestAConnectionThatTheLoopHadToEndIsReportedInDebugMode(t *testing.T) {
	for _, debug := range []bool{true, false} {
		var keep *stream.Writer
		reports := withReports(t, func(ctx context.Context, _ *[]aio.Report) {
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", echo)
			ok(t, err)
			_, keep = dial(ctx, t, server.Addrs()[0].String())
		}, aio.WithDebug(debug))
		if said := len(reports) == 1 &&
			strings.Contains(reports[0].Message, "the loop was closed before"); said != debug {
			t.Errorf("debug %v: reported %+v", debug, reports)
		}
		if _, err := keep.WriteString("x"); err == nil {
			t.Error("it is still open")
		}
	}
}

// Abort is an end, too, also if the loop has no turn left in which the transport could tell of it.
func TestAConnectionThatIsAbortedAtTheVeryEndWasClosed(t *testing.T) {
	reports := withReports(t, func(ctx context.Context, _ *[]aio.Report) {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0",
			func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
				_, err := r.ReadAll(ctx)
				return err
			})
		ok(t, err)
		_, w, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
		ok(t, err)
		aio.RunningLoop(ctx).OnClose(w.Abort)
	}, aio.WithDebug(true), aio.WithSlowCallback(0))
	if len(reports) != 0 {
		t.Errorf("reported %+v", reports)
	}
}

// Conformance: TL-029.
func TestASecuredConnectThatTimesOutIsNoForgottenConnection(t *testing.T) {
	a := tlstest.New(t)
	reports := withReports(t, func(ctx context.Context, _ *[]aio.Report) {
		silent := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			_, err := r.ReadAll(ctx)
			return err
		}
		listen(ctx, t, silent, func(address string) {
			_, _, err := stream.Open(ctx, "tcp", address, transport.TLS(a.Client()),
				transport.ServerName("localhost"),
				transport.HandshakeTimeout(time.Millisecond))
			var slow *transport.HandshakeTimeoutError
			if !errors.As(err, &slow) {
				t.Errorf("err %v", err)
			}
			collect(ctx, t, func() bool { return true })
		})
	})
	for _, r := range reports {
		if !errors.Is(r.Err, io.EOF) && !r.Warning || strings.Contains(r.Message, "forgotten") {
			t.Errorf("reported %+v", r)
		}
	}
}

// opened returns the place in a report.
func opened(r aio.Report) string {
	for _, a := range r.Attrs {
		if a.Key == "opened" {
			return a.Value.String()
		}
	}
	return ""
}

func TestWhatIsForgottenIsCountedAndInDebugModeNamedWithItsLine(t *testing.T) {
	for _, debug := range []bool{true, false} {
		before := transport.Unclosed()
		var keep *stream.Writer
		reports := withReports(t, func(ctx context.Context, reports *[]aio.Report) {
			server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", echo)
			ok(t, err)
			func() {
				dial(ctx, t, server.Addrs()[0].String())
				from, to, err := os.Pipe()
				ok(t, err)
				_, err = stream.ReadPipe(ctx, from)
				ok(t, err)
				_, err = stream.WritePipe(ctx, to)
				ok(t, err)
			}()
			collect(ctx, t, func() bool {
				return len(*reports) == 3 || transport.Unclosed().Pipes == before.Pipes+1 && len(*reports) == 2
			})
			_, keep, err = stream.Open(ctx, "tcp", server.Addrs()[0].String())
			ok(t, err)
		}, aio.WithDebug(debug), aio.WithSlowCallback(0))
		after := transport.Unclosed()
		if after.Connections-before.Connections != 2 || after.Pipes == before.Pipes {
			t.Errorf("debug %v: counted %+v, before %+v", debug, after, before)
		}
		for _, r := range reports {
			if (opened(r) != "") != debug || debug && !strings.HasPrefix(opened(r), "unclosed_test.go:") &&
				!strings.HasPrefix(opened(r), "net_test.go:") {
				t.Errorf("debug %v: %q was opened at %q", debug, r.Message, opened(r))
			}
		}
		if want := map[bool]int{true: 3, false: 2}[debug]; len(reports) < want {
			t.Errorf("debug %v: reported %+v", debug, reports)
		}
		keep.Close()
	}
}

func TestAPipeReaderIsKeptByItsReader(t *testing.T) {
	reports := withReports(t, func(ctx context.Context, _ *[]aio.Report) {
		from, to, err := os.Pipe()
		ok(t, err)
		p, err := stream.ReadPipe(ctx, from)
		ok(t, err)
		transport, r := p.Transport(), p.Reader
		p = nil
		collect(ctx, t, func() bool { return true })
		to.WriteString("x\n")
		to.Close()
		line, err := r.ReadLine(ctx)
		expect(t, line, err, "x\n")
		transport.Abort()
	})
	if len(reports) != 0 {
		t.Errorf("reported %+v", reports)
	}
}
