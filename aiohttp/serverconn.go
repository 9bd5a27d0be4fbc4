package aiohttp

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

const (
	// headSlop is by how much a head may exceed MaxHeaderBytes, as in net/http.
	headSlop = 4096
	// maxAhead is how many bytes of a connection are read ahead while no task reads.
	maxAhead = 64 << 10
	// fewestBytes is how many bytes after a request begin the next one, as in net/http.
	fewestBytes = 4
	// maxAtOnce is how many bytes of a body a task reads without a wait.
	maxAtOnce = 256 << 10
	// maxSkipped is how many bytes of a body are skipped to keep the connection, if the handler has
	// not read them. It is as in net/http.
	maxSkipped = 256 << 10
	// lingerQuiet is how long a connection stays half open after its last answer. A client that
	// still sends would lose the answer to a reset. lingerTotal is the limit if the client goes on
	// sending.
	lingerQuiet = 500 * time.Millisecond
	lingerTotal = 5 * time.Second
)

// connPhase is a stage in the life of a server's connection.
//
//	phase     meaning                                    left by
//	greeting  the TLS handshake is under way             its end (idle, hijacked); an error, the
//	                                                     peer's end (closing)
//	idle      waits for a head, or has a part of one     a whole head (busy); an error, the peer's
//	                                                     end, a time limit (lingering, closing)
//	busy      a task answers a request                   its end (idle, lingering, closing);
//	                                                     Hijack (hijacked)
//	hijacked  belongs to the handler                     ConnectionLost
//	lingering the last answer is sent; input is dropped  quiet, the peer's end (closing)
//	closing   the rest of an answer is being sent        ConnectionLost
//	gone      ConnectionLost was called                  -
type connPhase uint8

const (
	connGreeting connPhase = iota
	connIdle
	connBusy
	connHijacked
	connLingering
	connClosing
	connGone
)

// serverConn is one connection of a [Server]: a protocol of package transport. While it is idle it
// has no task; each request is one. All of it belongs to the loop.
type serverConn struct {
	s          *Server
	t          transport.Transport
	ctx        context.Context // the values of its requests' contexts
	remote     string
	prev, next *serverConn // in the server's list

	phase   connPhase
	tls     *tls.ConnectionState // nil: it is not secured
	lent    bool                 // it is hijacked, by net/http's HTTP/2
	served  bool                 // a request has been answered
	eof     bool                 // the peer has ended its side
	paused  bool                 // reading is paused
	full    bool                 // the write buffer is full
	begun   bool                 // the next head has begun
	timed   bool                 // the time for the head runs
	lost    error                // the error, if phase is gone or sending has failed
	cur     *reply
	serveFn func(ctx context.Context) error // serve as a value, made once

	in      inBuffer
	scanned int  // bytes of in searched for the end of the head
	tryAt   int  // the size of an incomplete head at which to look for mistakes
	oldPost bool // the last request was a POST; the client may have sent line ends after it

	now     immediate  // t, if it has these methods; or nil
	atOnce  int        // bytes read with it since a task last waited
	getInto bool       // the transport's last buffer is into
	reader  aio.Waiter // the task that waits for data
	into    []byte     // the buffer of that task
	got     int        // bytes in it
	readErr error      // why its wait has ended
	drains  []aio.Waiter

	timer       *aio.TimerHandle
	timerFn     func()
	readAt      time.Time // deadline of the wait for the peer's data; zero: none
	headAt      time.Time // when the time for the request began, if that has a limit
	readUntil   time.Time // deadline for reading the request; zero: each piece has its own
	writeAt     time.Time // when to check that the peer takes the bytes; zero: never
	writeUntil  time.Time // deadline for writing the answer; zero: each piece has its own
	lingerUntil time.Time
	wrote       int64 // bytes given to the transport
	taken       int64 // of these, bytes taken by the system when writeAt was set
	skipped     int   // bytes received while lingering
}

// immediate has methods of transports whose bytes go to and from the system as they are: what can
// be read and written without a wait.
type immediate interface {
	ReadNow(p []byte) int
	WriteNow(p []byte) int
}

// ConnectionMade implements transport.Protocol.
func (c *serverConn) ConnectionMade(t transport.Transport) {
	c.t = t
	if addr := t.RemoteAddr(); addr != nil {
		c.remote = addr.String()
	}
	c.ctx = &connValues{c.s.values, t.LocalAddr()}
	c.serveFn, c.timerFn = c.serve, c.onTimer
	c.s.link(c)
	if c.s.secure == nil {
		c.open(t)
		return
	}
	if d := c.s.handshakeTimeout(); d > 0 {
		c.waitUntil(c.s.loop.Time().Add(d))
	}
	if c.s.stopped {
		c.retire()
	}
}

// open begins to wait for requests.
func (c *serverConn) open(t transport.Transport) {
	c.t, c.phase = t, connIdle
	c.now, _ = t.(immediate)
	c.timed = true
	if c.s.http.ReadTimeout > 0 {
		c.headAt = c.s.loop.Time()
	}
	if d := c.s.headTimeout(); d > 0 {
		c.waitUntil(c.s.loop.Time().Add(d))
	}
	if c.s.stopped {
		c.retire()
	}
}

// connValues is the context of a connection: the server's, with the local address.
type connValues struct {
	context.Context
	local net.Addr
}

func (v *connValues) Value(key any) any {
	if key == http.LocalAddrContextKey {
		return v.local
	}
	return v.Context.Value(key)
}

// GetBuffer implements transport.BufferedProtocol. A waiting task gets the bytes without a copy.
func (c *serverConn) GetBuffer(int) []byte {
	c.getInto = len(c.into) >= firstBuffer && c.got == 0 && c.in.len() == 0
	if c.getInto {
		return c.into
	}
	return c.s.buffer()
}

// BufferUpdated implements transport.BufferedProtocol.
func (c *serverConn) BufferUpdated(n int) {
	if !c.getInto {
		c.DataReceived(c.s.buffer()[:n])
		return
	}
	c.got = n
	c.reader.Unpark()
	c.pause() // the task reads more by itself
}

// pause makes the peer wait.
func (c *serverConn) pause() {
	if !c.paused {
		c.paused = true
		c.t.PauseReading()
	}
}

// DataReceived implements transport.Protocol.
func (c *serverConn) DataReceived(p []byte) {
	if c.phase == connGreeting {
		c.greet(p)
		return
	}
	if c.phase >= connLingering {
		if c.skipped += len(p); c.skipped > maxSkipped {
			c.shut()
			return
		}
		c.linger()
		return
	}
	if c.into != nil && c.got == 0 && c.in.len() == 0 {
		c.got = copy(c.into, p)
		p = p[c.got:]
	}
	c.in.lend(p)
	c.reader.Unpark()
	if c.phase == connIdle {
		c.advance(true) // a quick task needs no copy
	}
	c.in.keep()
	if c.in.len() > maxAhead && c.phase < connLingering {
		c.pause()
	}
}

// EOFReceived implements transport.Protocol.
func (c *serverConn) EOFReceived() (keepOpen bool) {
	c.eof = true
	switch c.phase {
	case connGreeting:
		c.notSecured(io.EOF)
		c.phase = connClosing
		return false
	case connIdle:
		if c.in.len() == 0 {
			c.phase = connClosing
			return false
		}
		c.advance(true)
	case connBusy:
		c.checkGone()
	case connLingering:
		c.phase = connClosing
		return false
	}
	c.reader.Unpark()
	return true
}

// ConnectionLost implements transport.Protocol.
func (c *serverConn) ConnectionLost(err error) {
	hijacked := c.phase == connHijacked
	c.phase = connGone
	if c.lost == nil {
		if c.lost = err; err == nil {
			c.lost = net.ErrClosed
		}
	}
	c.stopTimer()
	c.full, c.paused = false, false
	c.wakeWriters()
	c.reader.Unpark()
	if !hijacked || c.lent {
		c.s.unlink(c)
	}
	if w := c.cur; w != nil && !hijacked {
		w.cancel()
	}
	if !hijacked {
		c.in.drop()
	}
}

// PauseWriting implements transport.FlowControl.
func (c *serverConn) PauseWriting() { c.full = true }

// ResumeWriting implements transport.FlowControl.
func (c *serverConn) ResumeWriting() {
	c.full = false
	c.wakeWriters()
	if c.phase == connIdle && (c.in.len() > 0 || c.eof) {
		c.advance(false)
		if c.phase == connIdle {
			c.resume()
		}
	}
}

func (c *serverConn) wakeWriters() {
	waiting := c.drains
	c.drains = nil
	for _, w := range waiting {
		w.Unpark()
	}
}

// IsHandedOut tells package transport that only the server closes the connection.
func (c *serverConn) IsHandedOut() bool { return false }

// String describes the connection for dumps of the tasks that wait for it.
func (c *serverConn) String() string { return "HTTP connection from " + c.remote }
