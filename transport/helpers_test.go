package transport

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// guard bounds waits that must end by themselves, generously.
const guard = 60 * time.Second

// onBoth runs the test on both real networks, because it uses the system beside them.
func onBoth(t *testing.T, test func(t *testing.T, n Network)) {
	t.Run("native", func(t *testing.T) { test(t, Native()) })
	t.Run("portable", func(t *testing.T) { test(t, Portable()) })
}

// onEach runs the test on every network: the real ones, and the one in memory.
func onEach(t *testing.T, test func(t *testing.T, n Network)) {
	onBoth(t, test)
	t.Run("memory", func(t *testing.T) { test(t, Memory()) })
}

// env is the environment of a test in its loop.
type env struct {
	t       *testing.T
	loop    *aio.Loop
	reports []aio.Report // the reports of the exception handler
}

// inLoop runs fn as the main task of a loop whose connections are made by n. Reports fn did not ask
// for, with expectReport, fail the test.
func inLoop(t *testing.T, n Network, fn func(ctx context.Context, e *env), opts ...aio.Option) {
	t.Helper()
	ctx := context.Background()
	if n != nil {
		ctx = WithNetwork(ctx, n)
	}
	e := &env{t: t}
	err := aio.Run(ctx, func(ctx context.Context) error {
		e.loop = aio.RunningLoop(ctx)
		e.loop.SetExceptionHandler(func(_ *aio.Loop, r aio.Report) { e.reports = append(e.reports, r) })
		return aio.Timeout(ctx, guard, func(ctx context.Context) error {
			fn(ctx, e)
			return nil
		})
	}, opts...)
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, r := range e.reports {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}
}

// expectReport takes the oldest report, which must contain text, and returns its error.
func (e *env) expectReport(text string) error {
	e.t.Helper()
	if len(e.reports) == 0 {
		e.t.Fatalf("nothing was reported; want %q", text)
	}
	r := e.reports[0]
	e.reports = e.reports[1:]
	if !strings.Contains(r.Message, text) {
		e.t.Fatalf("reported %q (%v), want %q", r.Message, r.Err, text)
	}
	return r.Err
}

// turn lets the loop do one pass.
func (e *env) turn(ctx context.Context) {
	e.t.Helper()
	e.ok(aio.Yield(ctx))
}

// settle lets everything that is queued run, and everything that this queues.
func (e *env) settle(ctx context.Context) {
	e.t.Helper()
	for range 5 {
		e.turn(ctx)
	}
}

func (e *env) ok(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

// recorder is a protocol that records its events and lets tasks wait for it.
type recorder struct {
	name  string
	t     Transport
	log   []string // connection events and flow control
	data  []byte   // what was received
	lost  bool
	err   error // of ConnectionLost
	keep  bool  // what EOFReceived returns
	tasks []aio.Waiter

	onMade, onEOF   func()
	onData          func(p []byte)
	onPause, onLost func()
	onResume        func()
	echo            bool
}

func (r *recorder) heard(format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf(format, args...))
	r.changed()
}

func (r *recorder) changed() {
	for _, w := range r.tasks {
		w.Unpark()
	}
	r.tasks = nil
}

func call(fn func()) {
	if fn != nil {
		fn()
	}
}

func (r *recorder) ConnectionMade(t Transport) { r.t = t; r.heard("made"); call(r.onMade) }
func (r *recorder) ConnectionLost(err error) {
	r.lost, r.err = true, err
	r.heard("lost")
	call(r.onLost)
}
func (r *recorder) PauseWriting()  { r.heard("pause"); call(r.onPause) }
func (r *recorder) ResumeWriting() { r.heard("resume"); call(r.onResume) }

func (r *recorder) EOFReceived() bool {
	r.heard("eof")
	call(r.onEOF)
	return r.keep
}

func (r *recorder) DataReceived(p []byte) {
	r.data = append(r.data, p...)
	if r.echo {
		r.t.Write(p)
	}
	if r.onData != nil {
		r.onData(p)
	}
	r.changed()
}

// await suspends the task until cond holds; it is asked after each event.
func (r *recorder) await(ctx context.Context, e *env, what string, cond func() bool) {
	e.t.Helper()
	for !cond() {
		w := aio.NewWaiter(ctx, "test", r)
		r.tasks = append(r.tasks, w)
		if err := w.Park(); err != nil {
			e.t.Fatalf("%s waiting for %s: %v; heard %v, %d bytes", r.name, what, err, r.log, len(r.data))
		}
	}
}

func (r *recorder) awaitData(ctx context.Context, e *env, want string) {
	e.t.Helper()
	r.await(ctx, e, fmt.Sprintf("%q", want), func() bool { return len(r.data) >= len(want) || r.lost })
	if string(r.data) != want {
		e.t.Fatalf("%s received %q, want %q", r.name, r.data, want)
	}
}

func (r *recorder) awaitLost(ctx context.Context, e *env) error {
	e.t.Helper()
	r.await(ctx, e, "ConnectionLost", func() bool { return r.lost })
	return r.err
}

func (r *recorder) expect(e *env, want ...string) {
	e.t.Helper()
	if !slices.Equal(r.log, want) {
		e.t.Fatalf("%s heard %q, want %q", r.name, r.log, want)
	}
}

// pair connects a client and a server protocol with a server on 127.0.0.1, which is closed again.
func pair(ctx context.Context, e *env, client, server Protocol) (ct, st Transport) {
	e.t.Helper()
	f := aio.NewFuture[Transport](e.loop.Context())
	var s *Server
	s, err := Listen(ctx, "tcp", "127.0.0.1:0", func() Protocol {
		return madeHook{server, func(t Transport) { st = t; e.ok(f.SetResult(t)) }}
	})
	e.ok(err)
	ct, err = Connect(ctx, "tcp", s.Addrs()[0].String(), client)
	e.ok(err)
	_, err = f.Await(ctx)
	e.ok(err)
	s.Close()
	return ct, st
}

// madeHook passes ConnectionMade on and then steps aside.
type madeHook struct {
	Protocol
	made func(Transport)
}

func (h madeHook) ConnectionMade(t Transport) {
	t.SetProtocol(h.Protocol)
	h.Protocol.ConnectionMade(t)
	h.made(t)
}

// fakeConn is a Conn controlled by the test.
type fakeConn struct {
	loop    *aio.Loop
	ready   func(aio.Interest)
	in      []any // string: bytes to be read; error: what the next read returns
	room    int   // bytes TryWrite takes before it would block; -1: without end
	chunk   int   // if positive, TryWrite takes no more in one call
	zero    bool  // TryWrite returns 0 and nil, in place of ErrWouldBlock
	out     []byte
	outErr  error
	calls   []string // "start", "closewrite", "close", and each read
	reads   int
	writes  int
	closed  bool
	started bool
}

func newFake(e *env) *fakeConn { return &fakeConn{loop: e.loop, room: -1} }

func (c *fakeConn) Start(ready func(aio.Interest)) error {
	c.calls = append(c.calls, "start")
	c.ready, c.started = ready, true
	if len(c.in) > 0 {
		c.report(aio.Readable)
	}
	return nil
}

// report queues a report of readiness.
func (c *fakeConn) report(ev aio.Interest) {
	c.loop.CallSoon(func() {
		if !c.closed {
			c.ready(ev)
		}
	})
}

// receive makes items, strings or errors, come in.
func (c *fakeConn) receive(items ...any) {
	c.in = append(c.in, items...)
	if c.started {
		c.report(aio.Readable)
	}
}

// drain makes room for n bytes more.
func (c *fakeConn) drain(n int) {
	c.room += n
	c.report(aio.Writable)
}

func (c *fakeConn) TryRead(p []byte) (int, error) {
	c.reads++
	if len(c.in) == 0 {
		return 0, ErrWouldBlock
	}
	switch item := c.in[0].(type) {
	case string:
		n := copy(p, item)
		if n < len(item) {
			c.in[0] = item[n:]
		} else {
			c.in = c.in[1:]
		}
		return n, nil
	case error:
		c.in = c.in[1:]
		return 0, item
	}
	panic("unreachable")
}

func (c *fakeConn) TryWrite(p []byte) (int, error) {
	c.writes++
	if c.outErr != nil {
		return 0, c.outErr
	}
	n := len(p)
	if c.chunk > 0 {
		n = min(n, c.chunk)
	}
	if c.room >= 0 {
		n = min(n, c.room)
		c.room -= n
		if n == 0 && !c.zero {
			return 0, ErrWouldBlock
		}
	}
	c.out = append(c.out, p[:n]...)
	return n, nil
}

func (c *fakeConn) CloseWrite() error { c.calls = append(c.calls, "closewrite"); return nil }
func (c *fakeConn) Close() error {
	c.calls = append(c.calls, "close")
	c.closed = true
	return nil
}
func (c *fakeConn) LocalAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}
}
func (c *fakeConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2}
}

func (c *fakeConn) expectCalls(e *env, want ...string) {
	e.t.Helper()
	if !slices.Equal(c.calls, want) {
		e.t.Fatalf("calls of the connection: %q, want %q", c.calls, want)
	}
}

func (c *fakeConn) expectOut(e *env, want string) {
	e.t.Helper()
	if string(c.out) != want {
		e.t.Fatalf("sent %q, want %q", c.out, want)
	}
}

// withFake runs fn with a transport over a fakeConn; ConnectionMade has been called.
func withFake(
	t *testing.T, p Protocol, fn func(ctx context.Context, e *env, c *fakeConn, tr *selectorTransport),
) {
	t.Helper()
	inLoop(t, nil, func(ctx context.Context, e *env) {
		c := newFake(e)
		tr := newTransport(hubOf(e.loop), c, p, nil, nil)
		e.turn(ctx)
		fn(ctx, e, c, tr)
		tr.Abort()
		e.settle(ctx)
	})
}

var errEOF error = io.EOF
