package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
)

// osPipe returns both ends of a pipe; the one the test keeps is closed at its end.
func osPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.Close()
		w.Close()
	})
	return r, w
}

// fakePipe is a fakeConn that is an end of a pipe.
type fakePipe struct {
	*fakeConn
	dir direction
}

func (p fakePipe) direction() direction { return p.dir }

func withFakePipe(
	t *testing.T,
	d direction,
	p Protocol,
	fn func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport),
) {
	t.Helper()
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		tr := newTransport(hubOf(e.loop), fakePipe{c, d}, p, nil, nil)
		e.turn(ctx)
		fn(ctx, e, c, tr)
		tr.Abort()
		e.settle(ctx)
	})
}

// Conformance: UP-001.
func TestAReadPipeDeliversDataThenItsEnd(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			r, w := osPipe(t)
			p := &recorder{name: "reader", keep: true} // even one that wants to keep it open
			tr, err := ConnectReadPipe(ctx, r, p)
			e.ok(err)
			p.expect(e, "made")
			w.WriteString("1")
			p.awaitData(ctx, e, "1")
			w.WriteString("2345")
			p.awaitData(ctx, e, "12345")
			w.Close()
			e.ok(p.awaitLost(ctx, e))
			p.expect(e, "made", "eof", "lost")
			if tr.CanWriteEOF() || !tr.IsClosing() || tr.Protocol() != nil {
				t.Errorf("can write EOF %v, is closing %v, protocol %v",
					tr.CanWriteEOF(), tr.IsClosing(), tr.Protocol())
			}
		})
	})
}

func TestAReadPipeCannotBeWrittenTo(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		r, _ := osPipe(t)
		tr, err := ConnectReadPipe(ctx, r, &recorder{})
		e.ok(err)
		defer tr.Abort()
		defer func() {
			if v, _ := recover().(string); !strings.Contains(v, "ConnectWritePipe") {
				t.Errorf("the panic is %q", v)
			}
		}()
		tr.Write([]byte("x"))
	})
}

// Conformance: UP-003, UP-017.
func TestAWritePipeSendsAndCloses(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			r, w := osPipe(t)
			p := &recorder{name: "writer"}
			tr, err := ConnectWritePipe(ctx, w, p)
			e.ok(err)
			if !tr.CanWriteEOF() || tr.IsReading() {
				t.Errorf("can write EOF %v, is reading %v", tr.CanWriteEOF(), tr.IsReading())
			}
			tr.Write([]byte("1"))
			tr.Write([]byte("2345"))
			tr.Close()
			tr.Write([]byte("dropped"))
			got, err := aio.ToThread(ctx, func(context.Context) ([]byte, error) { return io.ReadAll(r) })
			e.ok(err)
			if string(got) != "12345" {
				t.Errorf("the reader got %q", got)
			}
			e.ok(p.awaitLost(ctx, e))
			p.expect(e, "made", "lost")
		})
	})
}

func TestAPipeCarriesMoreThanItHolds(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			r, w := osPipe(t)
			from, to := &recorder{name: "writer"}, &recorder{name: "reader"}
			_, err := ConnectReadPipe(ctx, r, to)
			e.ok(err)
			tr, err := ConnectWritePipe(ctx, w, from)
			e.ok(err)
			want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
			tr.Write(want)
			tr.WriteEOF()
			if !tr.IsClosing() {
				t.Error("WriteEOF does not close the pipe")
			}
			e.ok(to.awaitLost(ctx, e))
			e.ok(from.awaitLost(ctx, e))
			if !bytes.Equal(to.data, want) {
				t.Errorf("%d of %d bytes arrived", len(to.data), len(want))
			}
		})
	})
}

// Conformance: UP-007.
func TestAFailedReadOfAPipeIsReportedAndEndsIt(t *testing.T) {
	p := &recorder{}
	withFakePipe(t, receives, p,
		func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			failure := &os.PathError{Op: "read", Path: "|0", Err: syscall.EINVAL}
			c.receive(failure)
			if err := p.awaitLost(ctx, e); err != failure {
				t.Errorf("lost with %v", err)
			}
			if err := e.expectReport("reading failed"); err != failure {
				t.Errorf("reported %v", err)
			}
		})
}

// Conformance: UP-009, UP-016.
func TestAPipeThatIsClosedTwiceIsLostOnce(t *testing.T) {
	p := &recorder{}
	withFakePipe(t, receives, p,
		func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
			failure := &os.PathError{Op: "read", Path: "|0", Err: syscall.EINVAL}
			c.receive(failure)
			e.turn(ctx)
			tr.Close() // the first reason stays
			tr.Close()
			e.settle(ctx)
			p.expect(e, "made", "lost")
			if p.err != failure {
				t.Errorf("lost with %v", p.err)
			}
			c.expectCalls(e, "start", "close")
			if tr.Protocol() != nil || tr.flows {
				t.Error("the transport still knows its protocol")
			}
			e.expectReport("reading failed")
		})
	q := &recorder{}
	withFakePipe(t, sends, q, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.Close()
		tr.Close()
		tr.Abort()
		e.settle(ctx)
		q.expect(e, "made", "lost")
		c.expectCalls(e, "start", "close")
	})
}

// Conformance: UP-010.
func TestAWritePipeBuffersOnlyTheRest(t *testing.T) {
	for _, c := range []struct {
		name string
		room int
		zero bool
		sent string
	}{
		{"complete", -1, false, "hello"},
		{"partial", 2, false, "he"},
		{"zero", 0, true, ""},
		{"would block", 0, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			withFakePipe(t, sends, &recorder{},
				func(ctx context.Context, e *env, f *fakeConn, tr *selectorTransport) {
					f.room, f.zero = c.room, c.zero
					tr.Write([]byte("hello"))
					f.expectOut(e, c.sent)
					if n := tr.WriteBufferSize(); n != len("hello")-len(c.sent) {
						t.Errorf("%d bytes are buffered", n)
					}
					if c.room < 0 {
						return
					}
					tr.Write([]byte(", world"))
					f.drain(4)
					e.settle(ctx)
					f.drain(100)
					e.settle(ctx)
					f.expectOut(e, "hello, world")
				})
		})
	}
}

// Conformance: UP-013.
func TestAWritePipeThatFailsWhenFlushedIsLostQuietly(t *testing.T) {
	p := &recorder{}
	withFakePipe(t, sends, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.room = 2
		tr.Write([]byte("hello"))
		c.outErr = &os.PathError{Op: "write", Path: "|1", Err: syscall.EPIPE}
		c.report(aio.Writable)
		if err := p.awaitLost(ctx, e); err != c.outErr {
			t.Errorf("lost with %v", err)
		}
		if n := tr.WriteBufferSize(); n != 0 {
			t.Errorf("%d bytes are still buffered", n)
		}
	}) // and nothing was reported
}

// Conformance: UP-014.
func TestWriteEOFOfAPipeWaitsForTheFlush(t *testing.T) {
	p := &recorder{}
	withFakePipe(t, sends, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.room = 2
		tr.Write([]byte("hello"))
		tr.WriteEOF()
		if !tr.IsClosing() {
			t.Error("the transport is not closing")
		}
		e.settle(ctx)
		p.expect(e, "made")
		c.drain(100)
		e.ok(p.awaitLost(ctx, e))
		c.expectOut(e, "hello")
	})
	q := &recorder{}
	withFakePipe(t, sends, q, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		tr.WriteEOF()
		tr.WriteEOF()
		q.expect(e, "made")
		e.turn(ctx)
		e.turn(ctx)
		q.expect(e, "made", "lost")
	})
}

// Conformance: UP-015.
func TestAbortOfAWritePipeDropsTheBuffer(t *testing.T) {
	p := &recorder{}
	withFakePipe(t, sends, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.room = 2
		tr.Write([]byte("hello"))
		tr.Abort()
		if n := tr.WriteBufferSize(); n != 0 {
			t.Errorf("%d bytes are still buffered", n)
		}
		e.ok(p.awaitLost(ctx, e))
		c.expectOut(e, "he")
	})
}

func TestAReaderThatLeavesWithDataUnsentIsABrokenPipe(t *testing.T) {
	p := &recorder{}
	withFakePipe(t, sends, p, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		c.room = 2
		tr.Write([]byte("hello"))
		tr.Close()
		c.report(aio.Writable | aio.HangUp)
		if err := p.awaitLost(ctx, e); !errors.Is(err, syscall.EPIPE) {
			t.Errorf("lost with %v", err)
		}
	})
}

func TestAFileThatCannotBeWaitedForIsRefused(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			p := &recorder{}
			name := filepath.Join(t.TempDir(), "regular")
			f, err := os.Create(name)
			e.ok(err)
			_, err = ConnectWritePipe(ctx, f, p)
			path, ok := errors.AsType[*os.PathError](err)
			if !ok || path.Path != name || !errors.Is(err, ErrNotPipe) {
				t.Errorf("a regular file: %v", err)
			}
			if _, err := f.WriteString("x"); !errors.Is(err, os.ErrClosed) {
				t.Errorf("the file was left open: %v", err)
			}
			dir, err := os.Open(t.TempDir())
			e.ok(err)
			if _, err = ConnectReadPipe(ctx, dir, p); !errors.Is(err, ErrNotPipe) {
				t.Errorf("a directory: %v", err)
			}
			r, _ := osPipe(t)
			r.Close()
			if _, err = ConnectReadPipe(ctx, r, p); !errors.Is(err, os.ErrClosed) {
				t.Errorf("a closed file: %v", err)
			}
			p.expect(e)
		})
	})
}

func TestClosingTheLoopClosesPipes(t *testing.T) {
	onEach(t, func(t *testing.T, n Network) {
		r1, w1 := osPipe(t)
		r2, w2 := osPipe(t)
		in, out := &recorder{}, &recorder{}
		inLoop(t, n, func(ctx context.Context, e *env) {
			_, err := ConnectReadPipe(ctx, r1, in)
			e.ok(err)
			tr, err := ConnectWritePipe(ctx, w2, out)
			e.ok(err)
			tr.Write(make([]byte, 1<<20)) // no task reads it
		})
		if in.err != aio.ErrLoopClosed || out.err != aio.ErrLoopClosed {
			t.Errorf("lost with %v and %v", in.err, out.err)
		}
		// On Windows the end is open as long as an abandoned read has not returned.
		if _, err := w1.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) && runtime.GOOS != "windows" {
			t.Errorf("the reading end is open: %v", err)
		}
		if _, err := io.Copy(io.Discard, r2); err != nil {
			t.Errorf("the writing end: %v", err)
		}
	})
}

func TestAMissingPipeIsMisuse(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		for want, fn := range map[string]func(){
			"ConnectReadPipe: the file is nil":      func() { ConnectReadPipe(ctx, nil, &recorder{}) },
			"ConnectWritePipe: the protocol is nil": func() { ConnectWritePipe(ctx, os.Stdout, nil) },
		} {
			func() {
				defer func() {
					if v, _ := recover().(string); !strings.Contains(v, want) {
						t.Errorf("the panic is %q, want %q", v, want)
					}
				}()
				fn()
			}()
		}
	})
}
