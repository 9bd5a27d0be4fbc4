package transport

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
)

const (
	maxDatagrams     = 64 // datagrams delivered in one turn, and sent from the queue
	datagramOverhead = 8  // bytes that a queued datagram counts besides its length
	patientSends     = 5  // datagrams dropped after a failure before a report
)

// datagramTransport drives a DatagramConn by its reports of readiness. It has the phases of a
// selectorTransport.
type datagramTransport struct {
	hub    *hub
	conn   DatagramConn
	proto  DatagramProtocol
	flow   FlowControl    // proto, if it implements it
	remote netip.AddrPort // the zero value if not connected

	queue     []datagram // datagrams that wait until the socket is writable
	queued    int        // bytes in queue, with the overhead
	high, low int        // limits of queued

	linger        linger
	phase         phase
	made          bool // ConnectionMade was called
	writingPaused bool // PauseWriting was called
	readable      bool // a read may find something
	readQueued    bool // readNow is in the ready queue
	flushQueued   bool // flushNow is in the ready queue
	failed        bool // an error has ended the endpoint
	dropped       int  // datagrams sent after the failure
}

// datagram is one that waits to be sent.
type datagram struct {
	data []byte
	to   netip.AddrPort
}

// newDatagramTransport makes a transport over conn. It queues the start: ConnectionMade, then
// receiving, then made.
func newDatagramTransport(
	h *hub, conn DatagramConn, p DatagramProtocol, made func(),
) *datagramTransport {
	t := &datagramTransport{hub: h, conn: conn, high: defaultHigh, low: defaultLow}
	if u, ok := conn.RemoteAddr().(*net.UDPAddr); ok && u != nil {
		t.remote = unmapped(u.AddrPort())
	}
	t.SetProtocol(p)
	h.endpoints = append(h.endpoints, t)
	h.opened(t)
	h.loop.CallSoon(func() {
		t.begin()
		made()
	})
	return t
}

func unmapped(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

func (t *datagramTransport) begin() {
	if t.phase != fresh {
		return
	}
	t.phase, t.made = open, true
	t.connectionMade()
	if t.phase > flushing {
		return
	}
	if err := t.conn.Start(t.onReady); err != nil {
		t.fatal("the socket could not be watched", err)
	}
}

func (t *datagramTransport) connectionMade() {
	defer t.endOnPanic("ConnectionMade")
	t.proto.ConnectionMade(t)
}

// endOnPanic, deferred, ends the endpoint if the protocol panicked.
func (t *datagramTransport) endOnPanic(method string) {
	if v := recover(); v != nil {
		t.fatal("the protocol's "+method+" panicked", panicError(v))
	}
}

// onReady is called by the loop when the socket's readiness changed.
func (t *datagramTransport) onReady(ev aio.Interest) {
	if ev&(aio.Readable|aio.HangUp) != 0 {
		t.readable = true
		t.read()
	}
	if ev&(aio.Writable|aio.HangUp) != 0 && t.phase < ending {
		t.flush()
	}
}

// ---- receiving

// read delivers the datagrams that have arrived, at most maxDatagrams in one turn.
func (t *datagramTransport) read() {
	defer t.endOnPanic("DatagramReceived")
	for n := 0; t.readable && t.phase == open; n++ {
		if n == maxDatagrams {
			if !t.readQueued {
				t.readQueued = true
				t.hub.loop.CallSoon(t.readNow)
			}
			return
		}
		n, from, err := t.conn.TryReadFrom(t.hub.buf)
		switch {
		case err == nil:
			t.proto.DatagramReceived(t.hub.buf[:n], from)
		case err == ErrWouldBlock:
			t.readable = false
		case isSystemError(err) && !errtree.Is(err, net.ErrClosed):
			t.refused(err)
		default:
			t.fatal("receiving failed", err)
		}
	}
}

func (t *datagramTransport) readNow() {
	t.readQueued = false
	t.read()
}

// refused tells the protocol why the system refused a datagram. An unconnected socket does not
// report that one of its receivers is absent: that does not concern the others.
func (t *datagramTransport) refused(err error) {
	if !t.remote.IsValid() && errtree.Is(err, sys.ECONNREFUSED) {
		return
	}
	if t.made && t.phase < lost {
		defer t.endOnPanic("ErrorReceived")
		t.proto.ErrorReceived(err)
	}
}

// ---- sending

func (t *datagramTransport) SendTo(p []byte, to netip.AddrPort) {
	t.hub.loop.MustBeHere("DatagramTransport.SendTo")
	switch {
	case t.remote.IsValid() && to.IsValid() && unmapped(to) != t.remote:
		panic("transport: DatagramTransport.SendTo: the endpoint is connected to " +
			t.remote.String() + ", not to " + to.String() +
			"; send there, or use one that is not connected")
	case !t.remote.IsValid() && !to.IsValid():
		panic("transport: DatagramTransport.SendTo: " +
			"no address, and the endpoint is not connected; name the receiver")
	}
	if t.phase > open {
		t.countDropped()
		return
	}
	if t.remote.IsValid() {
		to = netip.AddrPort{}
	}
	if len(t.queue) == 0 && t.send(p, to) {
		t.maybePause() // the conn may keep it
		return
	}
	if t.phase > open {
		return // by the protocol or the failure
	}
	t.queue = append(t.queue, datagram{slices.Clone(p), to})
	t.queued += len(p) + datagramOverhead
	t.maybePause()
}

// send passes one datagram to the socket. It returns false if the socket has no room or has failed
// for good.
func (t *datagramTransport) send(p []byte, to netip.AddrPort) bool {
	err := t.conn.TryWriteTo(p, to)
	switch {
	case err == nil:
	case err == ErrWouldBlock:
		return false
	case isSystemError(err) && !errtree.Is(err, net.ErrClosed):
		t.refused(err)
	default:
		t.fatal("sending failed", err)
		return false
	}
	return true
}

// countDropped reports that the program goes on sending to an endpoint that has failed.
func (t *datagramTransport) countDropped() {
	if !t.failed {
		return
	}
	if t.dropped++; t.dropped == patientSends {
		t.report(strconv.Itoa(patientSends)+
			" datagrams were sent after the endpoint had failed", net.ErrClosed)
	}
}

// flush continues with the queue, and does the work that waits for its end.
func (t *datagramTransport) flush() {
	for n := 0; len(t.queue) > 0; n++ {
		if n == maxDatagrams {
			if !t.flushQueued {
				t.flushQueued = true
				t.hub.loop.CallSoon(t.flushNow)
			}
			break
		}
		d := t.queue[0]
		if !t.send(d.data, d.to) {
			break
		}
		if t.phase >= ending {
			return // the queue is gone
		}
		t.queue[0] = datagram{}
		if t.queue = t.queue[1:]; len(t.queue) == 0 {
			t.queue = nil
		}
		t.queued -= len(d.data) + datagramOverhead
	}
	if t.phase >= ending {
		return
	}
	t.maybeResume() // may send again
	if t.phase == flushing && t.WriteBufferSize() == 0 {
		endSoon(t, nil)
	}
}

func (t *datagramTransport) flushNow() {
	t.flushQueued = false
	if t.phase < ending {
		t.flush()
	}
}

func (t *datagramTransport) maybePause() {
	if t.writingPaused || t.WriteBufferSize() <= t.high {
		return
	}
	t.writingPaused = true
	if t.flow != nil {
		defer t.reportPanic("PauseWriting")
		t.flow.PauseWriting()
	}
}

func (t *datagramTransport) maybeResume() {
	if !t.writingPaused || t.WriteBufferSize() > t.low {
		return
	}
	t.writingPaused = false
	if t.flow != nil {
		defer t.reportPanic("ResumeWriting")
		t.flow.ResumeWriting()
	}
}

func (t *datagramTransport) WriteBufferSize() int {
	if p, ok := t.conn.(Pender); ok {
		return t.queued + p.Pending()
	}
	return t.queued
}

func (t *datagramTransport) WriteBufferLimits() (high, low int) { return t.high, t.low }

func (t *datagramTransport) SetWriteBufferLimits(high, low int) error {
	t.hub.loop.MustBeHere("DatagramTransport.SetWriteBufferLimits")
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

// ---- ending

func (t *datagramTransport) Close() {
	t.hub.loop.MustBeHere("DatagramTransport.Close")
	closeAfterFlush(t)
}
func (t *datagramTransport) Abort() {
	t.hub.loop.MustBeHere("DatagramTransport.Abort")
	endSoon(t, nil)
}
func (t *datagramTransport) IsClosing() bool { return t.phase > open }

// fatal ends the endpoint with err, which is reported if it is a mistake in the program.
func (t *datagramTransport) fatal(what string, err error) {
	t.failed = true
	failWith(t, what, err)
}

func (t *datagramTransport) stage() *phase      { return &t.phase }
func (t *datagramTransport) lingering() *linger { return &t.linger }
func (t *datagramTransport) dropUnsent()        { t.queue, t.queued = nil, 0 }
func (t *datagramTransport) failure() error     { return nil } // ErrorReceived tells it

func (t *datagramTransport) connectionLost(err error) {
	if t.made {
		defer t.reportPanic("ConnectionLost")
		t.proto.ConnectionLost(err)
	}
}

func (t *datagramTransport) release() {
	t.conn.Close()
	t.hub.forget(t)
	t.proto, t.flow = nil, nil
	if i := slices.Index(t.hub.endpoints, t); i >= 0 {
		t.hub.endpoints = slices.Delete(t.hub.endpoints, i, i+1)
	}
}

// reportPanic, deferred, reports a panic of the protocol that does not concern the endpoint.
func (t *datagramTransport) reportPanic(method string) {
	if v := recover(); v != nil {
		t.report("the protocol's "+method+" panicked", panicError(v))
	}
}

func (t *datagramTransport) report(what string, err error) {
	t.hub.report(what, err, slog.String("transport", t.String()),
		slog.String("protocol", fmt.Sprintf("%T", t.proto)))
}

// ---- the rest

func (t *datagramTransport) SetProtocol(p DatagramProtocol) {
	t.hub.loop.MustBeHere("DatagramTransport.SetProtocol")
	if p == nil {
		panic("transport: DatagramTransport.SetProtocol: the protocol is nil; " +
			"pass one, BaseDatagramProtocol{} ignores everything")
	}
	if t.phase == lost {
		return
	}
	t.proto = p
	t.flow, _ = p.(FlowControl)
}

func (t *datagramTransport) Protocol() DatagramProtocol { return t.proto }
func (t *datagramTransport) LocalAddr() net.Addr        { return t.conn.LocalAddr() }
func (t *datagramTransport) RemoteAddr() net.Addr       { return t.conn.RemoteAddr() }
func (t *datagramTransport) Loop() *aio.Loop            { return t.hub.loop }

// String describes the transport: its addresses and whether it is open, closing or closed.
func (t *datagramTransport) String() string {
	s := fmt.Sprintf("<DatagramTransport %v local=%v", t.phase, t.LocalAddr())
	if t.remote.IsValid() {
		s += fmt.Sprintf(" remote=%v", t.remote)
	}
	if n := t.WriteBufferSize(); n > 0 {
		s += fmt.Sprintf(" buffered=%d", n)
	}
	return s + ">"
}
