package aiohttp

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/transport"
)

const (
	// headSlop is how much longer than MaxHeaderBytes a head may be. It is that of net/http.
	headSlop = 4096
	// maxAhead is how much of a connection is read ahead while nobody asks for it.
	maxAhead = 64 << 10
	// fewestBytes is how many have to come after a request for the next one to have begun. It is that
	// of net/http.
	fewestBytes = 4
	// maxAtOnce is how much of a body a task reads without a wait.
	maxAtOnce = 256 << 10
	// maxSkipped is how much of a body is read that the handler has left, to keep the connection. It
	// is that of net/http.
	maxSkipped = 256 << 10
	// lingerQuiet is how long a connection stays half open after its last answer, since a client that
	// still sends would lose the answer to a reset; lingerTotal is how long it does if the client goes
	// on sending.
	lingerQuiet = 500 * time.Millisecond
	lingerTotal = 5 * time.Second
)

// connPhase is what a connection of a server is at.
//
//	phase     meaning                                        left by
//	greeting  is to be secured                               the end of the handshake (idle, hijacked);
//	                                                         an error, the peer's end (closing)
//	idle      waits for a head, or has a part of one         a whole head (busy); an error, the peer's
//	                                                         end, a time limit (lingering, closing)
//	busy      a task answers a request                       the task's end (idle, lingering, closing);
//	                                                         Hijack (hijacked)
//	hijacked  belongs to the handler                         ConnectionLost
//	lingering all is said; what comes is thrown away         quiet, the peer's end (closing)
//	closing   the rest of an answer goes out                 ConnectionLost
//	gone      ConnectionLost was called                      -
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

// serverConn is one connection of a [Server]: a protocol of package transport. While it is idle there
// is no task; each request is one. All of it belongs to the loop.
type serverConn struct {
	s          *Server
	t          transport.Transport
	ctx        context.Context // the values of its requests' contexts
	remote     string
	prev, next *serverConn // in the server's list

	phase   connPhase
	tls     *tls.ConnectionState // nil: it is not secured
	lent    bool                 // it is hijacked, by net/http's HTTP/2
	served  bool                 // a request was answered
	eof     bool                 // the peer has ended its side
	paused  bool                 // reading
	full    bool                 // writing would only fill the memory
	begun   bool                 // the head that is awaited has begun
	timed   bool                 // and the time for it runs
	lost    error                // why, if phase is gone or sending has failed
	cur     *reply
	serveFn func(ctx context.Context) error // serve, once

	in      inBuffer
	scanned int  // how far in was searched for the end of the head
	tryAt   int  // the size of a part of a head at which to look for mistakes
	oldPost bool // the last request was a POST, whose client may have sent line ends behind it

	now     interface{ ReadNow(p []byte) int } // t, if it can; or nil
	atOnce  int                                // bytes that were read so since a task has waited
	getInto bool                               // the last buffer that the transport got is into
	reader  aio.Waiter                         // the task that waits for data
	into    []byte                             // where it wants them
	got     int                                // how many are there
	readErr error                              // why the wait has ended
	drains  []aio.Waiter

	timer       *aio.TimerHandle
	timerFn     func()
	readAt      time.Time // when the wait for the peer's data ends; zero: never
	readUntil   time.Time // the deadline for reading the request; zero: each piece has a time of its own
	writeAt     time.Time // when to look whether the peer takes what is sent; zero: never
	writeUntil  time.Time // the deadline for writing the answer; zero: each piece has a time of its own
	lingerUntil time.Time
	wrote       int64 // bytes given to the transport
	taken       int64 // of these, that the system had taken when writeAt was set
	skipped     int   // bytes that came while lingering
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
	c.now, _ = t.(interface{ ReadNow(p []byte) int })
	c.timed = true
	if d := c.s.headTimeout(); d > 0 {
		c.waitUntil(c.s.loop.Time().Add(d))
	}
	if c.s.stopped {
		c.retire()
	}
}

// connValues is the context of a connection: that of the server, and the address.
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

// GetBuffer implements transport.BufferedProtocol: a task that waits gets what comes without a copy.
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
	c.pause() // the task takes more by itself
}

// pause holds up the peer.
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
		c.advance(true) // a task that is quick needs no copy
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
}

func (c *serverConn) wakeWriters() {
	waiting := c.drains
	c.drains = nil
	for _, w := range waiting {
		w.Unpark()
	}
}

// advance looks whether the next request is there, and begins it. now says that its task may take its
// first step at once.
func (c *serverConn) advance(now bool) {
	if c.served && !c.begun {
		if c.in.len() < fewestBytes {
			if c.eof {
				c.shut()
			}
			return
		}
		for i := 0; c.oldPost && i < fewestBytes; i++ { // RFC 7230, section 3
			if b := c.in.bytes()[0]; b != '\r' && b != '\n' {
				break
			}
			c.in.discard(1)
		}
		c.begun, c.scanned, c.tryAt = true, 0, 1
	}
	b := c.in.bytes()
	if len(b) == 0 {
		if c.eof {
			c.shut()
		}
		return
	}
	if !c.begun {
		c.begun, c.scanned, c.tryAt = true, 0, 1
	}
	end := -1
	end, c.scanned = headEnd(b, c.scanned)
	limit := c.s.http.MaxHeaderBytes
	if limit <= 0 {
		limit = http.DefaultMaxHeaderBytes
	}
	switch limit += headSlop; {
	case end > limit || end < 0 && len(b) >= limit:
		c.refuse(errHeadTooLarge)
	case end >= 0:
		c.begin(end, now)
	case c.eof:
		_, err := c.s.readHead(b, io.EOF)
		c.refuse(err)
	case len(b) >= c.tryAt:
		// A mistake is answered before the rest has come.
		c.tryAt = 2 * len(b)
		if _, err := c.s.readHead(wholeLines(b), errMore); err != nil && !errtree.Is(err, errMore) {
			c.refuse(err)
			return
		}
		c.awaitHead()
	}
}

// awaitHead gives the peer its time for a head that has begun. That of the first one runs since the
// connection was accepted.
func (c *serverConn) awaitHead() {
	if c.timed {
		return
	}
	c.timed = true
	if d := c.s.headTimeout(); d > 0 {
		c.waitUntil(c.s.loop.Time().Add(d))
	} else {
		c.readAt = time.Time{}
	}
}

// begin starts the task for a request whose head is the first end bytes.
func (c *serverConn) begin(end int, now bool) {
	w, err := c.s.readRequest(c, c.in.bytes()[:end])
	if err != nil {
		c.refuse(err)
		return
	}
	c.in.discard(end)
	c.begun, c.timed = false, false
	c.phase = connBusy
	c.cur = w
	c.readAt, c.readUntil, c.writeUntil = time.Time{}, time.Time{}, time.Time{}
	if rd, wd := c.s.http.ReadTimeout, c.s.http.WriteTimeout; rd > 0 || wd > 0 {
		now := c.s.loop.Time()
		if rd > 0 {
			c.readUntil = now.Add(rd)
		}
		if wd > 0 {
			c.writeUntil = now.Add(wd)
		}
	}
	c.oldPost = w.req.Method == http.MethodPost
	c.s.count.Requests++
	c.s.count.Active++
	name := taskName(w.req)
	if now {
		aio.Start(c.ctx, c.serveFn, aio.Name(name), aio.Eager())
	} else {
		aio.Start(c.ctx, c.serveFn, aio.Name(name))
	}
	c.checkGone()
}

// serve is the task of one request.
func (c *serverConn) serve(ctx context.Context) error {
	w := c.cur
	w.ctx, w.self, w.started = ctx, aio.CurrentTask(ctx), true
	if w.gone {
		w.cancel()
	}
	w.fullDuplex = c.s.fullDuplex
	w.req = w.req.WithContext(ctx)
	w.req.TLS = c.tls
	if w.body.kind != noBody {
		w.req.Body = &w.body
	}
	ended := false
	defer func() {
		if !ended { // the task is being ended, and must not wait any more
			w.cutOff()
			c.done(w, false)
		}
	}()
	w.serve()
	keep := w.finish()
	ended = true
	c.done(w, keep)
	return nil
}

// done is called when a request was answered, or given up.
func (c *serverConn) done(w *reply, keep bool) {
	c.s.count.Active--
	c.cur, c.served = nil, true
	c.s.logAccess(w)
	switch {
	case c.phase == connHijacked || c.phase >= connClosing:
		if c.phase == connGone {
			c.in.drop()
		}
	case !keep:
		if w.unread && !w.aborted {
			c.startLingering()
		} else {
			c.shut()
		}
	case c.s.stopped:
		c.shut()
	default:
		c.phase = connIdle
		c.readUntil, c.writeUntil = time.Time{}, time.Time{}
		if c.in.len() < fewestBytes && !c.eof {
			if d := c.s.idleTimeout(); d > 0 {
				c.waitUntil(c.s.loop.Time().Add(d))
			}
		} else {
			c.advance(false)
		}
		c.resume()
	}
}

// checkGone cancels the request if the client has left. One that ends only its side of the connection
// counts as such, as in net/http, when all that it has sent was taken.
func (c *serverConn) checkGone() {
	if w := c.cur; w != nil && c.eof && c.phase == connBusy && c.in.len() == 0 && c.got == 0 && w.body.isDone() {
		w.cancel()
	}
}

// ---- reading

// read takes what has come, and waits if there is nothing. At the peer's end it returns io.EOF.
func (c *serverConn) read(ctx context.Context, p []byte, limited bool, stopped *bool) (int, error) {
	for c.in.len() == 0 {
		switch {
		case *stopped:
			return 0, http.ErrBodyReadAfterClose
		case c.eof:
			return 0, io.EOF
		case c.phase == connGone || c.lost != nil:
			return 0, c.lost
		case !c.reader.Zero():
			return 0, errBusyBody
		}
		if n := c.readNow(p); n > 0 {
			return n, nil
		} else if c.in.len() > 0 {
			break
		}
		now := c.s.loop.Time()
		switch d := c.s.on.limits.progress; {
		case !c.readUntil.IsZero():
			if !now.Before(c.readUntil) {
				return 0, c.lateError("read")
			}
			c.waitUntil(c.readUntil)
		case limited && d > 0:
			c.waitUntil(now.Add(d))
		}
		c.resume()
		c.atOnce = 0
		w := aio.NewWaiter(ctx, "Request.Body.Read", c)
		c.reader, c.into, c.got, c.readErr = w, p, 0, nil
		err := w.Park()
		if c.reader != w { // stopReading was called, and another may read now
			return 0, http.ErrBodyReadAfterClose
		}
		n, late := c.got, c.readErr
		c.reader, c.into, c.got, c.readErr = aio.Waiter{}, nil, 0, nil
		c.readAt = time.Time{}
		switch {
		case err != nil:
			if n > 0 {
				c.in.unread(p[:n])
			}
			return 0, err
		case n > 0:
			c.resume()
			return n, nil
		case late != nil && c.in.len() == 0:
			return 0, late
		}
	}
	if *stopped {
		return 0, http.ErrBodyReadAfterClose
	}
	n := c.in.read(p)
	c.resume()
	return n, nil
}

// readNow reads what the system has, if that can be done without a wait, into p or in. A task whose
// client is faster waits all the same now and then, for others to have their turn.
func (c *serverConn) readNow(p []byte) (n int) {
	if c.now == nil || c.atOnce >= maxAtOnce {
		return 0
	}
	if !c.readUntil.IsZero() && !c.s.loop.Time().Before(c.readUntil) {
		return 0
	}
	if len(p) >= firstBuffer {
		n = c.now.ReadNow(p)
		c.atOnce += n
	} else {
		ahead := c.s.buffer()[:firstBuffer]
		ahead = ahead[:c.now.ReadNow(ahead)]
		c.in.write(ahead)
		c.atOnce += len(ahead)
	}
	if n > 0 {
		c.resume()
	}
	return n
}

// resume takes PauseReading back when there is room again.
func (c *serverConn) resume() {
	if c.paused && c.in.len() <= maxAhead/2 {
		c.paused = false
		c.t.ResumeReading()
	}
}

// stopReading ends a read that is under way.
func (c *serverConn) stopReading() {
	if c.reader.Zero() {
		return
	}
	if c.got > 0 {
		c.in.unread(c.into[:c.got])
	}
	c.reader.Unpark()
	c.reader, c.into, c.got = aio.Waiter{}, nil, 0
	c.readAt = time.Time{}
}

func (c *serverConn) lateError(op string) error {
	e := &net.OpError{Op: op, Source: c.t.LocalAddr(), Addr: c.t.RemoteAddr(), Err: os.ErrDeadlineExceeded}
	if e.Addr != nil {
		e.Net = e.Addr.Network()
	}
	return e
}

// ---- writing

// write gives p to the transport. It never waits.
func (c *serverConn) write(p []byte) error {
	if err := c.cannotWrite(); err != nil {
		return err
	}
	c.wrote += int64(len(p))
	c.t.Write(p)
	c.watchWriting()
	return nil
}

func (c *serverConn) cannotWrite() error {
	switch {
	case c.lost != nil:
		return c.lost
	case c.t.IsClosing():
		return net.ErrClosed
	case !c.writeUntil.IsZero() && !c.s.loop.Time().Before(c.writeUntil):
		return c.lateError("write")
	}
	return nil
}

// watchWriting sees to it that what is buffered is taken in time.
func (c *serverConn) watchWriting() {
	size := c.t.WriteBufferSize()
	if size == 0 || !c.writeAt.IsZero() {
		return
	}
	c.taken = c.wrote - int64(size)
	switch d := c.s.on.limits.progress; {
	case !c.writeUntil.IsZero():
		c.writeAt = c.writeUntil
	case d > 0 && (c.phase != connHijacked || c.lent):
		c.writeAt = c.s.loop.Time().Add(d)
	default:
		return
	}
	c.arm()
}

// drain waits until there is room for more.
func (c *serverConn) drain(ctx context.Context) error {
	for c.full {
		if err := c.cannotWrite(); err != nil {
			return err
		}
		w := aio.NewWaiter(ctx, "ResponseWriter.Write", c)
		if errtree.Is(context.Cause(ctx), errGone) {
			w = w.Steadfast() // it has ended its side, and may listen still
		}
		c.drains = append(c.drains, w)
		if err := w.Park(); err != nil {
			for i, x := range c.drains {
				if x == w {
					c.drains = append(c.drains[:i], c.drains[i+1:]...)
					break
				}
			}
			if errtree.Is(context.Cause(ctx), errGone) && c.phase != connGone {
				continue
			}
			return err
		}
	}
	return c.lost
}

// ---- time

// waitUntil sets when the wait for the peer's data ends.
func (c *serverConn) waitUntil(at time.Time) {
	c.readAt = at
	c.arm()
}

// arm sets the timer for what is due first. One that is set for earlier is left: when it fires it is
// set anew.
func (c *serverConn) arm() {
	at := c.readAt
	if at.IsZero() || !c.writeAt.IsZero() && c.writeAt.Before(at) {
		at = c.writeAt
	}
	if at.IsZero() || c.phase == connGone {
		return
	}
	if c.timer != nil {
		if !at.Before(c.timer.When()) {
			return
		}
		c.timer.Cancel()
	}
	c.timer = c.s.loop.CallAt(at, c.timerFn)
}

func (c *serverConn) stopTimer() {
	if c.timer != nil {
		c.timer.Cancel()
		c.timer = nil
	}
}

func (c *serverConn) onTimer() {
	c.timer = nil
	now := c.s.loop.Time()
	if !c.writeAt.IsZero() && !now.Before(c.writeAt) {
		c.writeAt = time.Time{}
		size := c.t.WriteBufferSize()
		if size > 0 {
			taken := c.wrote - int64(size)
			if !c.writeUntil.IsZero() && !now.Before(c.writeUntil) || c.writeUntil.IsZero() && taken <= c.taken {
				c.lost = c.lateError("write")
				c.t.Abort()
				c.wakeWriters()
				return
			}
			c.watchWriting()
		}
	}
	if !c.readAt.IsZero() && !now.Before(c.readAt) {
		c.readAt = time.Time{}
		c.readLate()
	}
	c.arm()
}

// readLate is called when the peer's time is over.
func (c *serverConn) readLate() {
	switch c.phase {
	case connGreeting:
		c.notSecured(c.lateError("read"))
		c.abort()
	case connIdle:
		if c.in.len() == 0 {
			c.shut()
			return
		}
		_, err := c.s.readHead(c.in.bytes(), os.ErrDeadlineExceeded)
		c.refuse(err)
	case connBusy, connHijacked:
		c.readErr = c.lateError("read")
		c.reader.Unpark()
	case connLingering:
		c.shut()
	}
}

// ---- ending

// refuse answers a head that is none, and ends the connection.
func (c *serverConn) refuse(err error) {
	c.begun = false
	answer := refusal(err)
	if answer == "" {
		c.shut()
		return
	}
	c.s.count.Refused++
	c.in.drop()
	c.write([]byte(answer))
	c.startLingering()
}

// startLingering ends the sending half and waits a moment for the peer.
func (c *serverConn) startLingering() {
	if c.eof || c.t.IsClosing() || !c.t.CanWriteEOF() {
		c.shut()
		return
	}
	c.phase = connLingering
	c.in.drop()
	c.t.WriteEOF()
	c.paused = false
	c.t.ResumeReading()
	c.lingerUntil = c.s.loop.Time().Add(lingerTotal)
	c.linger()
}

func (c *serverConn) linger() {
	if c.phase != connLingering {
		return
	}
	at := c.s.loop.Time().Add(lingerQuiet)
	if at.After(c.lingerUntil) {
		at = c.lingerUntil
	}
	c.waitUntil(at)
}

// shut closes the connection after what was written.
func (c *serverConn) shut() {
	if c.phase < connClosing {
		c.phase = connClosing
		c.readAt = time.Time{}
		c.in.drop()
		c.t.Close()
		c.watchWriting()
	}
}

// abort drops the connection.
func (c *serverConn) abort() {
	if c.phase != connGone {
		c.t.Abort()
	}
}

// IsHandedOut tells package transport that nobody but the server closes the connection.
func (c *serverConn) IsHandedOut() bool { return false }

// String describes the connection for dumps of the tasks that wait for it.
func (c *serverConn) String() string { return "HTTP connection from " + c.remote }
