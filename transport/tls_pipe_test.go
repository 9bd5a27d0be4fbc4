package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/tlstest"
)

// pipe is one end of a connection in memory, which behaves like a raw transport and fails on
// demand. A later callback of the loop delivers on one end the bytes that were written on the
// other.
type pipe struct {
	loop  *aio.Loop
	peer  *pipe
	proto Protocol

	out   []byte // written, not yet taken by the network
	in    []byte // arrived, not yet delivered
	stuck bool   // the network takes nothing
	chunk int    // deliver at most so many bytes in one call; 0 means all

	high, low     int
	made          bool
	paused        bool
	full          bool
	closing, gone bool
	aborted       bool
	ended, told   bool // the peer closed; EOFReceived was called
	queued        bool
	sends         int // calls of Write
}

func newPipes(l *aio.Loop) (a, b *pipe) {
	a = &pipe{loop: l, high: defaultHigh, low: defaultLow}
	b = &pipe{loop: l, high: defaultHigh, low: defaultLow, peer: a}
	a.peer = b
	return a, b
}

// start makes the raw transport for the layer above.
func (p *pipe) start(proto Protocol) Transport {
	p.proto = proto
	p.loop.CallSoon(func() {
		if !p.gone {
			p.made = true
			p.proto.ConnectionMade(p)
			p.deliverSoon()
		}
	})
	return p
}

func (p *pipe) Write(data []byte) {
	if p.closing || len(data) == 0 {
		return
	}
	p.sends++
	p.out = append(p.out, data...)
	p.pump()
}

// pump lets the network take the written bytes, unless it is stuck.
func (p *pipe) pump() {
	if !p.stuck && len(p.out) > 0 {
		p.take(len(p.out))
	}
	flow, _ := p.proto.(FlowControl)
	switch {
	case !p.full && len(p.out) > p.high:
		p.full = true
		flow.PauseWriting()
	case p.full && len(p.out) <= p.low:
		p.full = false
		flow.ResumeWriting()
	}
	if p.closing && len(p.out) == 0 {
		p.finish()
	}
}

// take moves n written bytes to the peer.
func (p *pipe) take(n int) {
	p.peer.in = append(p.peer.in, p.out[:n]...)
	p.out = p.out[n:]
	p.peer.deliverSoon()
}

// unstick makes the network take n bytes; all, and all that follow, if n is negative.
func (p *pipe) unstick(n int) {
	if n < 0 {
		p.stuck = false
	} else {
		p.take(min(n, len(p.out)))
	}
	p.pump()
}

func (p *pipe) deliverSoon() {
	if !p.queued && p.made {
		p.queued = true
		p.loop.CallSoon(p.deliver)
	}
}

func (p *pipe) deliver() {
	p.queued = false
	for len(p.in) > 0 && !p.paused && !p.closing {
		n := len(p.in)
		if p.chunk > 0 {
			n = min(n, p.chunk)
		}
		lent := append([]byte(nil), p.in[:n]...)
		p.in = p.in[n:]
		p.proto.DataReceived(lent)
		for i := range lent { // it was valid only during the call
			lent[i] = 0xEE
		}
	}
	if p.ended && !p.told && len(p.in) == 0 && !p.paused && !p.closing {
		p.told = true
		if !p.proto.EOFReceived() {
			p.Close()
		}
	}
}

func (p *pipe) finish() {
	if !p.gone {
		p.peer.ended = true
		p.peer.deliverSoon()
		p.lose(nil)
	}
}

// lose ends this end.
func (p *pipe) lose(err error) {
	if p.gone {
		return
	}
	p.closing, p.gone = true, true
	p.out = nil
	if p.made {
		p.loop.CallSoon(func() { p.proto.ConnectionLost(err) })
	}
}

func (p *pipe) Close() {
	if !p.closing {
		p.closing = true
		p.pump()
	}
}

func (p *pipe) Abort() {
	if !p.gone {
		p.aborted = true
		p.lose(nil)
		p.peer.lose(syscall.ECONNRESET)
	}
}

func (p *pipe) PauseReading()     { p.paused = true }
func (p *pipe) ResumeReading()    { p.paused = false; p.deliverSoon() }
func (p *pipe) IsReading() bool   { return !p.paused && !p.closing }
func (p *pipe) IsClosing() bool   { return p.closing }
func (p *pipe) CanWriteEOF() bool { return true }
func (p *pipe) WriteEOF()         { p.peer.ended = true; p.peer.deliverSoon() }

func (p *pipe) SetWriteBufferLimits(high, low int) error { p.high, p.low = high, low; return nil }
func (p *pipe) WriteBufferLimits() (high, low int)       { return p.high, p.low }
func (p *pipe) WriteBufferSize() int                     { return len(p.out) }
func (p *pipe) SetProtocol(proto Protocol)               { p.proto = proto }
func (p *pipe) Protocol() Protocol                       { return p.proto }
func (p *pipe) LocalAddr() net.Addr                      { return &net.UnixAddr{Net: "unix"} }
func (p *pipe) RemoteAddr() net.Addr                     { return &net.UnixAddr{Net: "unix"} }
func (p *pipe) Loop() *aio.Loop                          { return p.loop }
func (p *pipe) TLSConnectionState() (tls.ConnectionState, bool) {
	return tls.ConnectionState{}, false
}

// diary is a protocol that records its events.
type diary struct {
	t        Transport
	events   []string
	received []byte
	err      error // what ConnectionLost said
	lost     bool
	keepOpen bool
	onData   func(p []byte)
}

func (r *diary) note(event string) { r.events = append(r.events, event) }

func (r *diary) ConnectionMade(t Transport) { r.t = t; r.note("made") }
func (r *diary) EOFReceived() bool          { r.note("eof"); return r.keepOpen }
func (r *diary) PauseWriting()              { r.note("pause") }
func (r *diary) ResumeWriting()             { r.note("resume") }

func (r *diary) DataReceived(p []byte) {
	r.received = append(r.received, p...)
	if n := len(r.events); n == 0 || r.events[n-1] != "data" {
		r.note("data")
	}
	if r.onData != nil {
		r.onData(p)
	}
}

func (r *diary) ConnectionLost(err error) {
	r.err, r.lost = err, true
	r.note("lost")
}

// check compares the events so far with those wanted, in one string.
func (r *diary) check(t *testing.T, want string) {
	t.Helper()
	if got := strings.Join(r.events, " "); got != want {
		t.Errorf("the protocol heard %q, want %q", got, want)
	}
}

// onLoop runs main as the main task of a loop with a virtual clock, and fails if anything was
// reported to the exception handler that was not expected with reports.
func onLoop(t *testing.T, main func(ctx context.Context, reports *[]aio.Report)) {
	t.Helper()
	var reports []aio.Report
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		aio.RunningLoop(ctx).SetExceptionHandler(func(_ *aio.Loop, r aio.Report) {
			reports = append(reports, r)
		})
		main(ctx, &reports)
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	for _, r := range reports {
		t.Errorf("reported: %s: %v", r.Message, r.Err)
	}
}

// untilTrue yields to the loop until cond holds. What it waits for may need a goroutine beside the
// loop, so the number of turns says nothing.
func untilTrue(ctx context.Context, t *testing.T, what string, cond func() bool) {
	t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; {
		if cond() {
			return
		}
		if err := aio.Yield(ctx); err != nil {
			t.Fatalf("waiting for %s: %v", what, err)
		}
	}
	t.Fatalf("waited too long for %s", what)
}

// duo is a client and a server that talk TLS over two pipes.
type duo struct {
	auth                 *tlstest.Authority
	ccfg, scfg           *tls.Config
	copts, sopts         options
	cpipe, spipe         *pipe
	client, server       *diary
	clientTLS, serverTLS Transport
}

func newDuo(t *testing.T, l *aio.Loop) *duo {
	d := &duo{auth: tlstest.New(t), client: &diary{}, server: &diary{}}
	d.ccfg, d.scfg = d.auth.Client(), d.auth.Server()
	d.copts.serverName = "localhost"
	d.cpipe, d.spipe = newPipes(l)
	return d
}

// serve starts the server's side.
func (d *duo) serve(l *aio.Loop) {
	d.sopts.tlsConfig = d.scfg
	d.serverTLS = wrapServerTLS(l, d.spipe.start, d.server, &d.sopts)
}

// dial makes the client's handshake.
func (d *duo) dial(ctx context.Context) (err error) {
	d.copts.tlsConfig = d.ccfg
	d.clientTLS, err = wrapClientTLS(ctx, d.cpipe.start, d.client, &d.copts)
	return err
}

// connect makes both sides' handshake.
func (d *duo) connect(ctx context.Context, t *testing.T) {
	t.Helper()
	d.serve(aio.RunningLoop(ctx))
	if err := d.dial(ctx); err != nil {
		t.Fatalf("the client's handshake: %v", err)
	}
	untilTrue(ctx, t, "the server's handshake", func() bool { return d.server.t != nil })
}

// bothLost waits until both protocols got ConnectionLost.
func (d *duo) bothLost(ctx context.Context, t *testing.T) {
	t.Helper()
	untilTrue(ctx, t, "the end of the connection", func() bool {
		return d.client.lost && d.server.lost
	})
}

// connected runs body with an established duo.
func connected(t *testing.T, body func(ctx context.Context, d *duo)) {
	t.Helper()
	onLoop(t, func(ctx context.Context, _ *[]aio.Report) {
		d := newDuo(t, aio.RunningLoop(ctx))
		d.connect(ctx, t)
		body(ctx, d)
	})
}

// tlsPanics calls fn and checks that it panics with a message that contains each of parts.
func tlsPanics(t *testing.T, fn func(), parts ...string) {
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

// matches checks err against each of targets with errors.Is.
func matches(t *testing.T, err error, targets ...error) {
	t.Helper()
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Errorf("error %v (%s) does not match %v", err, reflect.TypeOf(err), target)
		}
	}
}

// collected runs the collector until gone reports true.
func collected(t *testing.T, what string, gone func() bool) {
	t.Helper()
	for range 50 {
		runtime.GC()
		if gone() {
			return
		}
	}
	t.Errorf("%s is still referred to", what)
}
