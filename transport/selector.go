package transport

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
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

// ---- receiving

func (t *selectorTransport) canRead() bool {
	return t.readable && (t.phase == open || t.phase == mute) && !t.paused && !t.ended
}

// read delivers the bytes that have arrived, at most maxReadBytes in one turn.
func (t *selectorTransport) read() {
	if !t.canRead() {
		return
	}
	method := "GetBuffer" // the method that is running
	defer func() {
		if v := recover(); v != nil {
			t.protocolFailed(method, v)
		}
	}()
	for size, calls := 0, 0; t.canRead(); calls++ {
		if size >= maxReadBytes || calls >= maxReadCalls {
			t.readSoon()
			return
		}
		p := t.hub.buf
		var into BufferedProtocol
		if t.buffered {
			into = t.proto.(BufferedProtocol)
			method = "GetBuffer"
			if p = into.GetBuffer(-1); len(p) == 0 {
				t.fatal("GetBuffer returned an empty buffer",
					errors.New("transport: GetBuffer returned an empty buffer"))
				return
			}
		}
		n, err := t.conn.TryRead(p)
		// Decide before the protocol is called: it may pause and resume reading.
		if n < len(p) && !t.hungUp || err == ErrWouldBlock || n == 0 {
			t.readable = false
		}
		if n > 0 {
			size += n
			t.linger.heard += n
			t.bytesMoved()
			if into != nil {
				method = "BufferUpdated"
				into.BufferUpdated(n)
			} else {
				method = "DataReceived"
				t.proto.DataReceived(p[:n])
			}
		}
		switch {
		case err == nil:
		case err == ErrWouldBlock:
			t.endIfSpent()
			return
		case err == io.EOF:
			if t.phase == open || t.phase == mute {
				method = "EOFReceived"
				t.eof()
			}
			return
		case t.phase == mute:
			endNow(t, t.sendErr)
			return
		default:
			t.fatal("reading failed", err)
			return
		}
	}
}

func (t *selectorTransport) eof() {
	t.ended = true
	keepOpen := t.proto.EOFReceived()
	switch {
	case t.phase == mute:
		endNow(t, t.sendErr)
	case !keepOpen || t.way == receives:
		t.Close()
	}
}

// ReadNow reads bytes that have arrived into p, past the protocol. It returns 0 if there are none,
// or if the connection ends; the protocol learns the end as always. Package aiohttp uses it in
// tasks that read as long as there are bytes. This saves a copy and a pass of the loop for each
// buffer.
func (t *selectorTransport) ReadNow(p []byte) int {
	if !t.readable || t.phase != open || t.ended || len(p) == 0 {
		return 0
	}
	n, err := t.conn.TryRead(p)
	switch {
	case n > 0:
		t.bytesMoved()
	case err == ErrWouldBlock:
		t.readable = false
		return 0
	case err != nil && err != io.EOF:
		t.fatal("reading failed", err)
		return 0
	}
	if n > 0 && n < len(p) && !t.hungUp {
		t.readable = false
	}
	if t.canRead() {
		t.readSoon() // the rest, or the end
	}
	return n
}

// readSoon queues another turn of reading.
func (t *selectorTransport) readSoon() {
	if !t.readQueued {
		t.readQueued = true
		t.hub.loop.CallSoon(t.readNow)
	}
}

func (t *selectorTransport) readNow() {
	t.readQueued = false
	t.read()
}

func (t *selectorTransport) PauseReading() {
	if t.phase <= mute {
		t.paused = true
	}
}

func (t *selectorTransport) ResumeReading() {
	if t.phase > mute || !t.paused {
		return
	}
	t.paused = false
	if t.canRead() {
		t.readSoon()
	}
}

func (t *selectorTransport) IsReading() bool {
	return t.phase <= mute && !t.paused && t.way != sends
}

// ---- sending

func (t *selectorTransport) Write(p []byte) {
	if t.phase > open || len(p) == 0 {
		return
	}
	if t.wroteEOF {
		panic("transport: Transport.Write: after WriteEOF; " +
			"write everything first, or close with Close")
	}
	if t.way == receives {
		panic("transport: Transport.Write: this is the reading end of a pipe; " +
			"ConnectWritePipe makes transports that write")
	}
	if t.file != nil {
		panic("transport: Transport.Write: a file is being sent; wait until Sendfile has returned")
	}
	t.send(p)
}

// send is Write without its checks.
func (t *selectorTransport) send(p []byte) {
	if len(t.buf) == 0 {
		n, err := t.push(p)
		if err != nil {
			t.sendingFailed("writing failed", err)
			return
		}
		p = p[n:]
	}
	if len(p) > 0 {
		t.keep(p)
	}
	if len(t.buf) > 0 || t.pends {
		t.maybePause()
	}
}

// push passes p to the connection until that is full or the turn is over. It returns the number of
// bytes taken.
func (t *selectorTransport) push(p []byte) (n int, err error) {
	for n < len(p) {
		if n >= maxWriteBytes {
			t.flushSoon()
			break
		}
		k, err := t.conn.TryWrite(p[n:])
		if n += k; k > 0 {
			t.bytesMoved()
		}
		if err == ErrWouldBlock || err == nil && k == 0 {
			break
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// flushSoon queues another turn of writing.
func (t *selectorTransport) flushSoon() {
	if !t.flushQueued {
		t.flushQueued = true
		t.hub.loop.CallSoon(t.flushNow)
	}
}

func (t *selectorTransport) flushNow() {
	t.flushQueued = false
	if t.phase < ending {
		t.flush()
	}
}

// keep adds p to the buffer.
func (t *selectorTransport) keep(p []byte) {
	switch {
	case t.buf == nil:
		t.buf = t.hub.takeBuffer(len(p))
	case t.sent > len(t.buf)/2 && len(t.buf)+len(p) > cap(t.buf):
		// Move only then: moving many bytes for little room, again and again, would take too long.
		t.buf = t.buf[:copy(t.buf, t.buf[t.sent:])]
		t.sent = 0
	}
	t.buf = append(t.buf, p...)
}

// flush continues with the buffer, and does the work that waits for its end.
func (t *selectorTransport) flush() {
	if len(t.buf) > 0 {
		n, err := t.push(t.buf[t.sent:])
		if err != nil {
			t.sendingFailed("writing failed", err)
			return
		}
		if t.sent += n; t.sent < len(t.buf) {
			t.maybeResume()
			return
		}
		t.dropUnsent()
		t.maybeResume() // may write again
		if t.wroteEOF && len(t.buf) == 0 && t.phase < ending {
			t.shutWriting()
		}
	} else if t.pends {
		if _, err := t.conn.TryWrite(nil); err != nil && err != ErrWouldBlock &&
			t.phase == flushing {
			t.fatal("writing failed", err)
			return
		}
		t.maybeResume()
	}
	t.file.changed()
	if t.phase == flushing && t.WriteBufferSize() == 0 {
		t.phase = ending
		endNow(t, nil)
	}
}

func (t *selectorTransport) maybePause() {
	if t.writingPaused || t.WriteBufferSize() <= t.high {
		return
	}
	t.writingPaused = true
	if t.flows && t.file == nil {
		defer t.reportPanic("PauseWriting")
		t.proto.(FlowControl).PauseWriting()
	}
}

func (t *selectorTransport) maybeResume() {
	if !t.writingPaused || t.WriteBufferSize() > t.low {
		return
	}
	t.writingPaused = false
	if t.file != nil {
		t.file.changed()
		return
	}
	if t.flows {
		defer t.reportPanic("ResumeWriting")
		t.proto.(FlowControl).ResumeWriting()
	}
}

func (t *selectorTransport) WriteEOF() {
	if t.phase > open || t.wroteEOF {
		return
	}
	if t.file != nil {
		panic("transport: Transport.WriteEOF: a file is being sent; " +
			"wait until Sendfile has returned")
	}
	if t.way == sends {
		t.Close()
		return
	}
	if !t.CanWriteEOF() {
		panic("transport: Transport.WriteEOF: this connection has no half-close; " +
			"ask CanWriteEOF first")
	}
	t.wroteEOF = true
	if len(t.buf) == 0 {
		t.shutWriting()
	}
}

func (t *selectorTransport) shutWriting() {
	// The peer may have reset the connection; the next read returns that error.
	if err := t.conn.CloseWrite(); err != nil && !isNotConnected(err) {
		t.sendingFailed("closing the sending half failed", err)
	}
}

func (t *selectorTransport) CanWriteEOF() bool {
	if t.way != bothWays {
		return t.way == sends
	}
	c, ok := t.conn.(interface{ CanCloseWrite() bool })
	return !ok || c.CanCloseWrite()
}

func (t *selectorTransport) WriteBufferSize() int {
	n := len(t.buf) - t.sent
	if t.pends {
		n += t.conn.(Pender).Pending()
	}
	return n
}

func (t *selectorTransport) WriteBufferLimits() (high, low int) { return t.high, t.low }

func (t *selectorTransport) SetWriteBufferLimits(high, low int) error {
	high, low, err := bufferLimits(high, low)
	if err != nil {
		return err
	}
	t.high, t.low = high, low
	if t.phase <= open {
		t.maybePause()
	}
	return nil
}

// bufferLimits fills in the limits to be derived, and checks them.
func bufferLimits(high, low int) (int, int, error) {
	switch {
	case high == DefaultLimit && low == DefaultLimit:
		return defaultHigh, defaultLow, nil
	case high == DefaultLimit:
		high = 4 * low
	case low == DefaultLimit:
		low = high / 4
	}
	if high < low || low < 0 {
		return 0, 0, fmt.Errorf("transport: write buffer limits high %d, low %d: "+
			"high must not be less than low, nor low negative", high, low)
	}
	return high, low, nil
}

// ---- ending

func (t *selectorTransport) Close() {
	if t.phase == mute {
		endSoon(t, t.sendErr)
	} else if t.way == sends && t.phase == open && t.WriteBufferSize() == 0 {
		t.readerGone() // sending may have failed just now
	} else {
		closeAfterFlush(t)
	}
	t.file.changed()
}

func (t *selectorTransport) Abort()          { endSoon(t, nil) }
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
