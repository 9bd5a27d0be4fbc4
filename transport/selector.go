package transport

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"

	"github.com/aio-go/aio"
)

const (
	// One report of readiness reads at most this many bytes. The rest follows in the next pass, so
	// that one busy connection does not delay the others.
	maxReadBytes = 256 << 10
	maxReadCalls = 16
	// One turn of writing sends at most about this many bytes, for the same reason.
	maxWriteBytes = 1 << 20
)

// selectorTransport drives a Conn by its reports of readiness, like the transports of asyncio's
// selector event loop.
type selectorTransport struct {
	hub  *hub
	conn Conn
	// other interfaces of it are asserted at each use, to keep an idle connection small
	proto Protocol

	server *Server // the server that accepted the connection, or nil
	// the secured transport on top, or nil; the server closes this one
	outer      *tlsTransport
	prev, next *selectorTransport // in the hub's list

	file   *fileJob // the file being sent, or nil
	linger linger

	buf       []byte // buf[sent:] waits until the connection is writable
	sent      int
	high, low int // limits of the buffer

	limits  *timeLimits // nil if there are none
	sendErr error       // why nothing more can be sent, or nil

	phase         phase
	made          bool // ConnectionMade was called
	paused        bool // by PauseReading
	writingPaused bool // PauseWriting was called
	wroteEOF      bool // WriteEOF was called
	ended         bool // the peer has sent its last byte
	readable      bool // a read may find something
	hungUp        bool // a short read no longer means that nothing is left
	readQueued    bool // readNow is in the ready queue
	flushQueued   bool // flushNow is in the ready queue
	pends         bool // conn is a Pender
	flows         bool // proto has FlowControl
	buffered      bool // proto is a BufferedProtocol
	way           direction
}

// newTransport makes a transport over conn. It queues the start: ConnectionMade, then reading, then
// made if it is not nil. Flushing to a pipe has no time limit: a pager is no attacker.
func newTransport(h *hub, conn Conn, p Protocol, s *Server, made func()) *selectorTransport {
	t := &selectorTransport{hub: h, conn: conn, server: s, high: defaultHigh, low: defaultLow}
	_, t.pends = conn.(Pender)
	if c, ok := conn.(oneWay); ok {
		t.way = c.direction()
	}
	if t.way == bothWays {
		t.linger.patience = defaultShutdownTimeout
	}
	t.SetProtocol(p)
	h.link(t)
	if s == nil {
		h.opened(t)
	} else {
		s.active++
		t.limitTime(s.o)
	}
	h.loop.CallSoon(func() {
		t.begin()
		if made != nil {
			made()
		}
	})
	return t
}

func (t *selectorTransport) begin() {
	if t.phase != fresh {
		return
	}
	t.phase, t.made = open, true
	t.connectionMade()
	if t.phase > flushing {
		return
	}
	if err := t.conn.Start(t.onReady); err != nil {
		t.fatal("the connection could not be watched", err)
	}
}

func (t *selectorTransport) connectionMade() {
	defer func() {
		if v := recover(); v != nil {
			t.protocolFailed("ConnectionMade", v)
		}
	}()
	t.proto.ConnectionMade(t)
}

// onReady is called by the loop when the connection's readiness changed.
func (t *selectorTransport) onReady(ev aio.Interest) {
	if ev&aio.HangUp != 0 {
		t.hungUp = true
		if t.way == sends {
			t.readerGone()
			return
		}
	}
	if ev&(aio.Readable|aio.HangUp) != 0 && t.way != sends {
		t.readable = true
		t.read()
	}
	if ev&(aio.Writable|aio.HangUp) != 0 && t.phase < ending {
		t.flush()
	}
}

// ---- ending

func (t *selectorTransport) Close() {
	t.hub.loop.MustBeHere("Transport.Close")
	if t.phase == mute {
		endSoon(t, t.sendErr)
	} else {
		closeAfterFlush(t)
	}
	t.file.changed()
}

func (t *selectorTransport) Abort() {
	t.hub.loop.MustBeHere("Transport.Abort")
	endSoon(t, nil)
}
func (t *selectorTransport) IsClosing() bool { return t.phase > open }

// fatal ends the connection with err. The error is reported if it is a mistake in the program, or
// if it is of a pipe that cannot be read, since a pipe has no peer to blame.
func (t *selectorTransport) fatal(what string, err error) {
	if t.way == receives && isSystemError(err) {
		t.report(what, err)
	}
	t.file.lost(err)
	failWith(t, what, err)
}

func (t *selectorTransport) stage() *phase      { return &t.phase }
func (t *selectorTransport) lingering() *linger { return &t.linger }

func (t *selectorTransport) dropUnsent() {
	if t.buf != nil {
		t.hub.giveBuffer(t.buf)
		t.buf, t.sent = nil, 0
	}
}

func (t *selectorTransport) connectionLost(err error) {
	err = cmp.Or(t.sendErr, err)
	t.file.lost(err)
	if t.made {
		defer t.reportPanic("ConnectionLost")
		t.proto.ConnectionLost(err)
	}
}

// release frees the resources of the connection. The Conn stays: it knows the addresses.
func (t *selectorTransport) release() {
	t.conn.Close()
	t.limits.stop()
	t.proto, t.flows, t.outer = nil, false, nil
	t.hub.unlink(t)
	t.hub.forget(t)
	if s := t.server; s != nil {
		t.server = nil
		s.active--
		s.acceptAgain()
		s.wakeIfOver()
	}
}

// loopClosed ends the connection while its loop closes, which runs no more callbacks.
func (t *selectorTransport) loopClosed() {
	t.phase = ending
	endNow(t, aio.ErrLoopClosed)
}

// protocolFailed ends the connection because the protocol panicked.
func (t *selectorTransport) protocolFailed(method string, v any) {
	t.fatal("the protocol's "+method+" panicked", panicError(v))
}

// reportPanic, deferred, reports a panic of the protocol that does not concern the connection.
func (t *selectorTransport) reportPanic(method string) {
	if v := recover(); v != nil {
		t.report("the protocol's "+method+" panicked", panicError(v))
	}
}

func (t *selectorTransport) report(what string, err error) {
	t.hub.report(what, err, slog.String("transport", t.String()),
		slog.String("protocol", fmt.Sprintf("%T", t.proto)))
}

// ---- the rest

func (t *selectorTransport) SetProtocol(p Protocol) {
	t.hub.loop.MustBeHere("Transport.SetProtocol")
	if p == nil {
		panic("transport: Transport.SetProtocol: the protocol is nil; " +
			"pass one, BaseProtocol{} ignores everything")
	}
	if t.phase == lost {
		return
	}
	t.proto = p
	_, t.flows = p.(FlowControl)
	_, t.buffered = p.(BufferedProtocol)
}

func (t *selectorTransport) Protocol() Protocol   { return t.proto }
func (t *selectorTransport) LocalAddr() net.Addr  { return t.conn.LocalAddr() }
func (t *selectorTransport) RemoteAddr() net.Addr { return t.conn.RemoteAddr() }
func (t *selectorTransport) Loop() *aio.Loop      { return t.hub.loop }

func (t *selectorTransport) TLSConnectionState() (tls.ConnectionState, bool) {
	return tls.ConnectionState{}, false
}

// String describes the transport: its addresses and whether it is open, closing or closed.
func (t *selectorTransport) String() string {
	s := fmt.Sprintf("<Transport %v local=%v remote=%v", t.phase, t.LocalAddr(), t.RemoteAddr())
	if n := t.WriteBufferSize(); n > 0 {
		s += fmt.Sprintf(" buffered=%d", n)
	}
	return s + ">"
}
