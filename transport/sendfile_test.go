package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// file makes a file with data in it, open for reading, positioned at 3.
func file(t *testing.T, data []byte) *os.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	f.Seek(3, io.SeekStart)
	return f
}

// pattern returns n bytes of which no two neighbouring pieces are alike.
func pattern(n int) []byte {
	block := make([]byte, 65521) // a prime, so that no two pieces of a round size are alike
	for i := range block {
		block[i] = byte(i*7 + i>>8*13)
	}
	return bytes.Repeat(block, n/len(block)+1)[:n:n]
}

func position(t *testing.T, f *os.File) int64 {
	t.Helper()
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// road is a way to send a file over.
type road struct {
	name      string
	native    bool // the kernel can do it
	network   Network
	secured   bool
	opts      []SendfileOption
	authority *tlstest.Authority
}

// onAllRoads runs the test over plain connections of both networks, with the kernel's help if there
// is some and without, and over TLS. ct sends, server receives.
func onAllRoads(
	t *testing.T,
	test func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder),
) {
	ca := tlstest.New(t)
	for _, way := range []road{
		{name: "native", native: isNativeSystem(), network: Native()},
		{name: "copied", network: Native(), opts: []SendfileOption{Copied()}},
		{name: "portable", network: Portable()},
		{name: "TLS", network: Native(), secured: true, authority: ca},
	} {
		t.Run(way.name, func(t *testing.T) {
			inLoop(t, way.network, func(ctx context.Context, e *env) {
				e.t = t
				client, server := &recorder{name: "client"}, &recorder{name: "server"}
				var ct Transport
				if way.secured {
					ct = securedPair(ctx, e, way.authority, client, server)
				} else {
					ct, _ = pair(ctx, e, client, server)
				}
				test(ctx, e, way, ct, client, server)
				ct.Abort()
				server.t.Abort()
				client.awaitLost(ctx, e)
				server.awaitLost(ctx, e)
			})
		})
	}
}

func securedPair(
	ctx context.Context, e *env, ca *tlstest.Authority, client, server *recorder,
) Transport {
	e.t.Helper()
	s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol { return server }, TLS(ca.Server()))
	e.ok(err)
	ct, err := Connect(ctx, "tcp", s.Addrs()[0].String(), client, TLS(ca.Client()),
		ServerName("localhost"))
	e.ok(err)
	server.await(ctx, e, "the handshake", func() bool { return server.t != nil })
	s.Close()
	return ct
}

// received waits until want has come and nothing else.
func (r *recorder) received(ctx context.Context, e *env, want []byte) {
	e.t.Helper()
	r.await(ctx, e, "the file", func() bool { return len(r.data) >= len(want) || r.lost })
	if !bytes.Equal(r.data, want) {
		e.t.Fatalf("received %d bytes, want %d, or other ones", len(r.data), len(want))
	}
}

// Conformance: SF-005, SF-006, SF-008.
func TestAFileIsSentAndPositionedAtItsEnd(t *testing.T) {
	data := pattern(3<<20 + 17)
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		f := file(e.t, data)
		n, err := Sendfile(ctx, ct, f, way.opts...)
		e.ok(err)
		server.received(ctx, e, data)
		if at := position(e.t, f); n != int64(len(data)) || at != n {
			e.t.Errorf("sent %d of %d bytes, the file is at %d", n, len(data), at)
		}
		if !ct.IsReading() || ct.IsClosing() {
			e.t.Error("the transport is not what it was before")
		}
	})
}

// Conformance: SF-003.
func TestAnEmptyFileIsNothingToSend(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		if n, err := Sendfile(ctx, ct, file(e.t, nil), way.opts...); n != 0 || err != nil {
			e.t.Errorf("sent %d bytes: %v", n, err)
		}
		ct.Write([]byte("after"))
		server.awaitData(ctx, e, "after")
	})
}

// Conformance: SF-004, SF-011.
func TestAFileKeepsItsPlaceBetweenWrites(t *testing.T) {
	before, data, after := pattern(2<<20), pattern(1<<20+5), []byte("after")
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		ct.Write(before)
		n, err := Sendfile(ctx, ct, file(e.t, data), way.opts...)
		e.ok(err)
		ct.Write(after)
		server.received(ctx, e, bytes.Join([][]byte{before, data, after}, nil))
		if n != int64(len(data)) {
			e.t.Errorf("sent %d bytes", n)
		}
	})
}

// Conformance: SF-012.
func TestARangeOfAFileIsSent(t *testing.T) {
	data := pattern(300_000)
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		f := file(e.t, data)
		n, err := Sendfile(ctx, ct, f, append(way.opts, FileRange(1000, 100_000))...)
		e.ok(err)
		if at := position(e.t, f); n != 100_000 || at != 101_000 {
			e.t.Errorf("sent %d bytes, the file is at %d", n, at)
		}
		n, err = Sendfile(ctx, ct, f, append(way.opts, FileFrom(299_000))...)
		e.ok(err)
		m, err := Sendfile(ctx, ct, f, append(way.opts, FileRange(299_990, 50))...)
		e.ok(err)
		if at := position(e.t, f); n != 1000 || m != 10 || at != 300_000 {
			e.t.Errorf("sent %d and %d bytes, the file is at %d", n, m, at)
		}
		server.received(ctx, e,
			bytes.Join([][]byte{data[1000:101_000], data[299_000:], data[299_990:]}, nil))
	})
}

// Conformance: SF-007, SF-016.
func TestWithoutFallBackAFileIsSentByTheKernelOrNotAtAll(t *testing.T) {
	data := []byte("0123456789")
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		f := file(e.t, data)
		f.Seek(0, io.SeekStart)
		n, err := Sendfile(ctx, ct, f, NativeOnly())
		if way.native || way.name == "copied" && isNativeSystem() {
			e.ok(err)
			server.received(ctx, e, data)
			return
		}
		if !errors.Is(err, ErrSendfileNotAvailable) || !errors.Is(err, errors.ErrUnsupported) || n != 0 ||
			position(e.t, f) != 0 {
			e.t.Errorf("sent %d bytes: %v; the file is at %d", n, err, position(e.t, f))
		}
		ct.Write([]byte("nothing of it"))
		server.awaitData(ctx, e, "nothing of it")
	})
}

func isNativeSystem() bool {
	_, portable := Native().(portableNetwork)
	return !portable
}

// Conformance: SF-009.
func TestADatagramTransportIsNoTransportForFiles(t *testing.T) {
	if reflect.TypeFor[DatagramTransport]().Implements(reflect.TypeFor[Transport]()) {
		t.Error("Sendfile would compile")
	}
	inLoop(t, nil, func(ctx context.Context, e *env) {
		here, there := newPipes(e.loop)
		here.start(&recorder{})
		there.start(&recorder{})
		f := file(t, []byte("data"))
		if n, err := Sendfile(ctx, here, f); n != 0 || !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("over a transport of somebody else: sent %d: %v", n, err)
		}
		here.Abort()
		e.settle(ctx)
	})
}

// Conformance: SF-010.
func TestNoFileIsSentOverAClosingTransport(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		f := file(e.t, []byte("data"))
		ct.Close()
		n, err := Sendfile(ctx, ct, f, way.opts...)
		if !errors.Is(err, net.ErrClosed) || n != 0 || position(e.t, f) != 3 {
			e.t.Errorf("sent %d: %v", n, err)
		}
		server.awaitLost(ctx, e)
		if len(server.data) != 0 {
			e.t.Errorf("received %q", server.data)
		}
	})
}

// transfer is a Sendfile in a task of its own.
type transfer struct {
	data []byte
	f    *os.File
	task *aio.Task[aio.None]
	sent int64 // what Sendfile returned
}

func (x *transfer) await(ctx context.Context) (int64, error) {
	_, err := x.task.Await(ctx)
	return x.sent, err
}

// startTransfer sends a file that is far too large for the buffers on the way.
func startTransfer(ctx context.Context, e *env, way road, ct Transport) *transfer {
	x := &transfer{data: pattern(8 << 20)}
	x.f = file(e.t, x.data)
	x.task = aio.Start(ctx, func(ctx context.Context) (err error) {
		x.sent, err = Sendfile(ctx, ct, x.f, way.opts...)
		return err
	})
	return x
}

// stuck returns a transfer that waits for a peer that does not read.
func stuck(ctx context.Context, e *env, way road, ct Transport, server *recorder) *transfer {
	e.t.Helper()
	server.t.PauseReading()
	x := startTransfer(ctx, e, way, ct)
	for waits := false; !waits; {
		e.turn(ctx)
		var job *fileJob
		switch t := ct.(type) {
		case *selectorTransport:
			job = t.file
		case *tlsTransport:
			job = t.file
		}
		waits = job != nil && job.waiter.Pending() && (way.native || !ct.(fileCarrier).roomForFile())
	}
	return x
}

// Conformance: SF-015.
func TestNothingCanBeWrittenWhileAFileIsSent(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		x := stuck(ctx, e, way, ct, server)
		expectPanic(e.t, "a file is being sent", func() { ct.Write([]byte("in between")) })
		expectPanic(e.t, "another file is being sent", func() { Sendfile(ctx, ct, x.f, way.opts...) })
		if ct.CanWriteEOF() {
			expectPanic(e.t, "a file is being sent", func() { ct.WriteEOF() })
		}
		client.expect(e, "made", "pause")
		server.t.Write([]byte("the other direction goes on"))
		client.awaitData(ctx, e, "the other direction goes on")
		server.t.ResumeReading()
		n, err := x.await(ctx)
		if e.ok(err); n != int64(len(x.data)) {
			e.t.Errorf("sent %d of %d bytes", n, len(x.data))
		}
		ct.Write([]byte("!"))
		server.received(ctx, e, append(x.data, '!'))
		client.await(ctx, e, "the permission to write", func() bool {
			return client.log[len(client.log)-1] == "resume"
		})
		for i, event := range client.log[1:] { // the last piece may have filled the buffer once more
			if event != [...]string{"pause", "resume"}[i%2] {
				e.t.Fatalf("heard %q", client.log)
			}
		}
	})
}

// Conformance: SF-014.
func TestAPeerThatLeavesEndsTheTransfer(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		x := stuck(ctx, e, way, ct, server)
		server.t.Abort()
		n, err := x.await(ctx)
		if err == nil || !ct.IsClosing() {
			e.t.Errorf("err %v, closing: %v", err, ct.IsClosing())
		}
		if at := position(e.t, x.f); n <= 0 || n >= int64(len(x.data)) || at != n {
			e.t.Errorf("sent %d of %d bytes, the file is at %d", n, len(x.data), at)
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) &&
			!errors.Is(err, net.ErrClosed) &&
			!errors.Is(err, io.ErrUnexpectedEOF) {
			e.t.Errorf("err %v", err)
		}
	})
}

func TestAPeerThatResetsEndsTheTransferWithTheError(t *testing.T) {
	onBoth(t, func(t *testing.T, n Network) {
		inLoop(t, n, func(ctx context.Context, e *env) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			e.ok(err)
			defer ln.Close()
			client := &recorder{name: "client", keep: true}
			ct, err := Connect(ctx, "tcp", ln.Addr().String(), client)
			e.ok(err)
			c, err := ln.Accept()
			e.ok(err)
			x := startTransfer(ctx, e, road{}, ct)
			e.settle(ctx)
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
			if _, err := x.await(ctx); !errors.Is(err, syscall.ECONNRESET) &&
				!errors.Is(err, syscall.EPIPE) {
				t.Errorf("err %v", err)
			}
			client.awaitLost(ctx, e)
		})
	})
}

func TestClosingEndsATransfer(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		x := stuck(ctx, e, way, ct, server)
		ct.Close()
		n, err := x.await(ctx)
		if !errors.Is(err, net.ErrClosed) {
			e.t.Errorf("sent %d: %v", n, err)
		}
		if at := position(e.t, x.f); n <= 0 || at != n {
			e.t.Errorf("sent %d, the file is at %d", n, at)
		}
	})
}

func TestACancelledTransferLeavesTheConnectionOpen(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		x := stuck(ctx, e, way, ct, server)
		x.task.Cancel(nil)
		n, err := x.await(ctx)
		if !errors.Is(err, aio.ErrCancelled) || ct.IsClosing() {
			e.t.Errorf("sent %d: %v", n, err)
		}
		if at := position(e.t, x.f); n <= 0 || at != n {
			e.t.Errorf("sent %d, the file is at %d", n, at)
		}
		ct.Write([]byte("rest"))
		server.t.ResumeReading()
		server.received(ctx, e, append(x.data[:n:n], "rest"...))
	})
}

func TestACancelledTransferThatHasNotBegunSendsNothing(t *testing.T) {
	inLoop(t, nil, func(ctx context.Context, e *env) {
		client, server := &recorder{name: "client"}, &recorder{name: "server"}
		ct, st := pair(ctx, e, client, server)
		f := file(t, []byte("data"))
		st.PauseReading()
		before := pattern(16 << 20)
		ct.Write(before)
		task := aio.CreateTask(ctx, func(ctx context.Context) (int64, error) {
			return Sendfile(ctx, ct, f)
		})
		e.settle(ctx)
		task.Cancel(nil)
		if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) || position(t, f) != 3 {
			t.Errorf("err %v, the file is at %d", err, position(t, f))
		}
		st.ResumeReading()
		server.received(ctx, e, before)
		ct.Close()
		client.awaitLost(ctx, e)
		server.awaitLost(ctx, e)
	})
}

// Conformance: SF-021.
func TestWhatIsNoRegularFileIsReadAndWritten(t *testing.T) {
	onAllRoads(t, func(ctx context.Context, e *env, way road, ct Transport, client, server *recorder) {
		r, w, err := os.Pipe()
		e.ok(err)
		defer r.Close()
		io.WriteString(w, "out of a pipe")
		w.Close()
		if n, err := Sendfile(ctx, ct, r, NativeOnly()); n != 0 ||
			!errors.Is(err, ErrSendfileNotAvailable) {
			e.t.Errorf("natively: sent %d: %v", n, err)
		}
		n, err := Sendfile(ctx, ct, r, way.opts...)
		if e.ok(err); n != 13 {
			e.t.Errorf("sent %d bytes", n)
		}
		server.awaitData(ctx, e, "out of a pipe")
		if _, err := Sendfile(ctx, ct, r, FileFrom(1)); err == nil {
			e.t.Error("a pipe has no positions")
		}
	})
}

// refusing is a connection whose kernel sends files under the control of the test.
type refusing struct {
	*fakeConn
	answers []any // int: bytes that are sent; error
}

func (c *refusing) trySendfile(f *os.File, offset int64, limit int) (int, error) {
	answer := c.answers[0]
	c.answers = c.answers[1:]
	if err, ok := answer.(error); ok {
		return 0, err
	}
	p := make([]byte, answer.(int))
	n, _ := f.ReadAt(p, offset)
	c.out = append(c.out, p[:n]...)
	return n, nil
}

// Conformance: SF-020.
func TestARefusalAtOnceMeansThatTheKernelCannotAndALaterOneIsAnError(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers []any
		opts    []SendfileOption
		sent    int64
		err     error
		out     string
	}{
		{"refused at once", []any{syscall.EINVAL}, nil, 10, nil, "0123456789"},
		{"refused at once, no fall-back", []any{syscall.EINVAL}, []SendfileOption{NativeOnly()}, 0,
			ErrSendfileNotAvailable, ""},
		{"the reason is told", []any{syscall.EINVAL}, []SendfileOption{NativeOnly()}, 0,
			syscall.EINVAL, ""},
		{"refused later", []any{4, syscall.EIO}, nil, 4, syscall.EIO, "0123"},
		{"lost at once", []any{syscall.EPIPE}, nil, 0, syscall.EPIPE, ""},
		{"a file that ends early", []any{4, 0}, nil, 4, nil, "0123"},
	} {
		t.Run(c.name, func(t *testing.T) {
			inLoop(t, nil, func(ctx context.Context, e *env) {
				p := &recorder{}
				conn := &refusing{fakeConn: newFake(e), answers: c.answers}
				tr := newTransport(hubOf(e.loop), conn, p, nil, nil)
				e.turn(ctx)
				f := file(t, []byte("0123456789"))
				n, err := Sendfile(ctx, tr, f, c.opts...)
				if n != c.sent || !errors.Is(err, c.err) {
					t.Errorf("sent %d: %v", n, err)
				}
				at := c.sent
				if at == 0 {
					at = 3
				}
				if string(conn.out) != c.out || position(t, f) != at {
					t.Errorf("out %q, the file is at %d", conn.out, position(t, f))
				}
				if lost := c.err == syscall.EPIPE; tr.IsClosing() != lost {
					t.Errorf("closing: %v", tr.IsClosing())
				}
				tr.Abort()
				e.settle(ctx)
			})
		})
	}
}

// Conformance: SF-017.
func TestOptionsOfSendfileThatMakeNoSensePanic(t *testing.T) {
	expectPanic(t, "offset is negative", func() { FileFrom(-1) })
	expectPanic(t, "offset is negative", func() { FileRange(-1, 1) })
	expectPanic(t, "count is not positive", func() { FileRange(0, 0) })
	expectPanic(t, "count is not positive", func() { FileRange(0, -1) })
	withFake(t, &recorder{}, func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport) {
		expectPanic(t, "the file is nil", func() { Sendfile(ctx, tr, nil) })
		expectPanic(t, "the transport is nil", func() { Sendfile(ctx, nil, os.Stdin) })
		tr.WriteEOF()
		expectPanic(t, "after WriteEOF", func() { Sendfile(ctx, tr, file(t, nil)) })
	})
}

func TestSecuringAConnectionWhileAFileIsSentPanics(t *testing.T) {
	ca := tlstest.New(t)
	inLoop(t, nil, func(ctx context.Context, e *env) {
		client, server := &recorder{name: "client"}, &recorder{name: "server"}
		ct, st := pair(ctx, e, client, server)
		x := stuck(ctx, e, road{native: isNativeSystem()}, ct, server)
		expectPanic(t, "a file is being sent", func() {
			StartTLS(ctx, ct, ca.Client(), false, ServerName("localhost"))
		})
		st.Abort()
		x.await(ctx)
		client.awaitLost(ctx, e)
		if strings.Contains(strings.Join(client.log, " "), "resume pause") {
			t.Errorf("heard %q", client.log)
		}
	})
}
