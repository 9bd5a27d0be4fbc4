package aiohttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/list"
	"github.com/aio-go/aio/internal/realm"
	"github.com/aio-go/aio/transport"
)

// clientAhead is how much of an answer is read ahead while nobody asks for it.
const clientAhead = 32 << 10

// clientConn is one connection of a [Client]: a protocol of package transport, for the task whose
// request it carries. All of it belongs to the loop.
//
//	state | meaning                            | left by
//	used  | carries a request and its answer   | the end of both (idle); an error, Close (gone)
//	idle  | is in the pool                     | a request (used); any word of the peer, time (gone)
//	gone  | ConnectionLost was called, or will | -
type clientConn struct {
	of     *connections
	key    connKey
	t      transport.Transport
	now    immediate            // t, if it can; or nil
	tls    *tls.ConnectionState // nil: it is not secured
	at     realm.Realm          // where the server is
	reused bool                 // an answer came on it before

	in      inBuffer
	eof     bool // the peer has ended its side
	paused  bool // reading
	full    bool // writing would only fill the memory
	getInto bool // the last buffer that the transport got is into
	lost    error
	reader  aio.Waiter // the task that waits for data
	into    []byte     // where it wants them
	got     int        // how many are there
	atOnce  int        // bytes that were read so since a task has waited
	drains  []aio.Waiter

	sending *outgoing       // the request
	ctx     context.Context // of the task that reads
	waitErr error           // of its last wait
	br      *bufio.Reader   // what net/http parses; nil: idle
	allowed int64           // bytes that a head may have still; negative: no head is read

	site  *site
	timer *aio.Timer             // ends it when it was idle for too long; nil: it never was
	place list.Elem[*clientConn] // in the pool, while it is idle
}

func (c *clientConn) isIdle() bool { return c.place.Linked() }

// ConnectionMade implements transport.Protocol.
func (c *clientConn) ConnectionMade(t transport.Transport) {
	c.t = t
	c.of.add(c)
	c.now, _ = t.(immediate)
	if state, secured := t.TLSConnectionState(); secured {
		c.tls = &state
	}
	c.at = realm.Public
	if addr, ok := t.RemoteAddr().(*net.TCPAddr); ok {
		c.at = realmOfAddr(addr)
	}
}

// GetBuffer implements transport.BufferedProtocol.
func (c *clientConn) GetBuffer(int) []byte {
	c.getInto = len(c.into) >= firstBuffer && c.got == 0 && c.in.len() == 0
	if c.getInto {
		return c.into
	}
	return c.of.buffer()[:max(pieceSize-c.in.len(), 1)] // what comes fits into a buffer of the pool
}

// BufferUpdated implements transport.BufferedProtocol.
func (c *clientConn) BufferUpdated(n int) {
	if !c.getInto {
		c.DataReceived(c.of.buffer()[:n])
		return
	}
	c.got = n
	c.reader.Unpark()
	c.pause()
}

func (c *clientConn) pause() {
	if !c.paused {
		c.paused = true
		c.t.PauseReading()
	}
}

// DataReceived implements transport.Protocol.
func (c *clientConn) DataReceived(p []byte) {
	if c.isIdle() { // nobody has asked for that
		c.abort()
		return
	}
	if c.into != nil && c.got == 0 && c.in.len() == 0 {
		c.got = copy(c.into, p)
		p = p[c.got:]
	}
	c.in.write(p)
	c.reader.Unpark()
	if c.in.len() >= clientAhead {
		c.pause()
	}
}

// EOFReceived implements transport.Protocol.
func (c *clientConn) EOFReceived() (keepOpen bool) {
	c.eof = true
	c.reader.Unpark()
	if c.isIdle() {
		c.abort()
	}
	return !c.isIdle()
}

// ConnectionLost implements transport.Protocol.
func (c *clientConn) ConnectionLost(err error) {
	if c.lost == nil {
		if c.lost = err; err == nil {
			c.lost = net.ErrClosed
		}
	}
	c.full, c.paused = false, false
	c.of.lose(c)
	c.wakeWriters()
	c.reader.Unpark()
}

// PauseWriting implements transport.FlowControl.
func (c *clientConn) PauseWriting() { c.full = true }

// ResumeWriting implements transport.FlowControl.
func (c *clientConn) ResumeWriting() {
	c.full = false
	c.wakeWriters()
}

func (c *clientConn) wakeWriters() {
	waiting := c.drains
	c.drains = nil
	for _, w := range waiting {
		w.Unpark()
	}
}

// abort drops the connection.
func (c *clientConn) abort() {
	c.of.remove(c)
	if c.lost == nil {
		c.lost = net.ErrClosed
		c.t.Abort()
	}
	c.wakeWriters()
	c.reader.Unpark()
}

// Read implements io.Reader for net/http, in the task of ctx.
func (c *clientConn) Read(p []byte) (int, error) {
	if c.allowed == 0 {
		return 0, errAnswerTooLarge
	}
	if c.allowed > 0 && int64(len(p)) > c.allowed {
		p = p[:c.allowed]
	}
	n, err := c.read(c.ctx, p)
	if c.allowed > 0 {
		c.allowed -= int64(n)
	}
	return n, err
}

// read takes what has come, and waits if there is nothing. At the peer's end it returns io.EOF.
func (c *clientConn) read(ctx context.Context, p []byte) (int, error) {
	for c.in.len() == 0 {
		switch {
		case c.eof:
			return 0, io.EOF
		case c.lost != nil:
			return 0, c.lost
		case !c.reader.Zero():
			return 0, errBusyBody
		}
		if n := c.readNow(p); n > 0 {
			return n, nil
		}
		if c.atOnce >= maxAtOnce {
			c.atOnce = 0
			if c.waitErr = aio.Yield(ctx); c.waitErr != nil { // for others to have their turn
				return 0, c.waitErr
			}
			continue
		}
		c.resume()
		c.atOnce = 0
		waits, end := ctx, func() {}
		if d := c.of.c.ReadTimeout; d > 0 {
			waits, end = c.of.patience(ctx, d)
		}
		w := aio.NewWaiter(waits, "Client.Do", c)
		c.reader, c.into, c.got = w, p, 0
		err := c.of.park(w)
		silent := err != nil && waits.Err() != nil && ctx.Err() == nil
		end()
		n := c.got
		c.reader, c.into, c.got = aio.Waiter{}, nil, 0
		switch {
		case err != nil:
			if n > 0 {
				c.in.unread(p[:n])
			}
			switch {
			case silent && (n > 0 || !c.sending.sent): // the server is not to blame
				continue
			case silent:
				return 0, c.silence()
			}
			c.waitErr = err
			return 0, err
		case n > 0:
			c.resume()
			return n, nil
		}
	}
	n := c.in.read(p)
	c.resume()
	return n, nil
}

// silence is the error of a server that has said nothing for too long.
func (c *clientConn) silence() error {
	return &net.OpError{Op: "read", Net: "tcp", Source: c.t.LocalAddr(), Addr: c.t.RemoteAddr(),
		Err: os.ErrDeadlineExceeded}
}

// readNow reads what the system has, if that can be done without a wait.
func (c *clientConn) readNow(p []byte) int {
	if c.now == nil || c.atOnce >= maxAtOnce {
		return 0
	}
	n := c.now.ReadNow(p)
	if c.atOnce += n; n > 0 {
		c.resume()
	}
	return n
}

// hasMore reports whether bytes have arrived that were not read. Some of them are lost.
func (c *clientConn) hasMore() bool {
	if c.now != nil {
		return c.now.ReadNow(c.of.buffer()[:1]) > 0
	}
	secured, ok := c.t.(interface{ HasMore() bool })
	return ok && secured.HasMore()
}

// resume takes PauseReading back when there is room again.
func (c *clientConn) resume() {
	if c.paused && c.in.len() <= clientAhead/2 {
		c.paused = false
		c.t.ResumeReading()
	}
}

// write gives p to the transport, and waits while that has too much.
func (c *clientConn) write(ctx context.Context, p []byte) error {
	for len(p) > 0 {
		if err := c.cannotWrite(); err != nil {
			return err
		}
		if c.now != nil && len(p) > sentAtOnce && !c.full {
			if n := c.now.WriteNow(p[:min(len(p), mostAtOnce)]); n > 0 {
				p = p[n:]
				continue
			}
		}
		part := p[:min(len(p), pieceWritten)]
		p = p[len(part):]
		c.t.Write(part)
		for c.full && c.cannotWrite() == nil {
			w := aio.NewWaiter(ctx, "Client.Do", c)
			c.drains = append(c.drains, w)
			if err := c.of.park(w); err != nil {
				for i, x := range c.drains {
					if x == w {
						c.drains = append(c.drains[:i], c.drains[i+1:]...)
						break
					}
				}
				return err
			}
		}
	}
	return c.cannotWrite()
}

func (c *clientConn) cannotWrite() error {
	switch {
	case c.lost != nil:
		return c.lost
	case c.t.IsClosing():
		return net.ErrClosed
	}
	return nil
}

// IsHandedOut tells package transport that the program has not opened the connection, and need not
// close it.
func (c *clientConn) IsHandedOut() bool { return false }

// String describes the connection for dumps of the tasks that wait for it.
func (c *clientConn) String() string { return "HTTP connection to " + c.key.host }

var errAnswerTooLarge = errors.New(
	"net/http: server response headers exceeded 10485760 bytes; aborted")
