package stream

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// connection is the protocol between a transport and the Reader and Writer of a connection. The
// three share one piece of memory. (A client has a Reader and Writer of its own; see halves.)
//
//	state      | set by                      | reads               | writes and drains
//	connecting | newConnection               | -                   | -
//	open       | ConnectionMade              | data as it arrives  | are sent
//	closing    | Writer.Close, the transport | end of stream later | ErrClosed
//	mute       | a write that failed         | the rest            | the error
//	lost       | ConnectionLost              | end or the error    | ErrClosed or the error
//
// The transport knows whether it is closing or mute; lost is a field.
type connection struct {
	in     incoming
	reader Reader // of in
	writer Writer // to transport

	transport transport.Transport
	served    *service // if a server accepted the connection; nil for a client
	host      string   // the name a client connected to, for a later upgrade to TLS

	full     bool // the transport asked to pause writing
	lost     bool
	lostErr  error
	over     atomic.Bool // closed by the program, or lost; a goroutine of the runtime reads it
	client   bool        // the program has to close it; see ownerOver
	dropping bool        // the handler failed: the connection is aborted when all bytes are sent

	ownerOver func() bool // nobody need close it from then on; see unclosed.WithOwner, may be nil

	drains []aio.Waiter // the tasks in Drain while full, in FIFO order
	closes []aio.Waiter // the tasks in WaitClosed

	unpaused  int    // what was written since Drain last let other tasks run, see maxUnpaused
	upgrading bool   // StartTLS is under way
	backlog   []byte // bytes written meanwhile
}

func newConnection(limit int) *connection {
	c := new(connection)
	c.reader.incoming = &c.in
	c.in.init(limit)
	c.writer.c = c
	return c
}

// ConnectionMade implements transport.Protocol.
func (c *connection) ConnectionMade(t transport.Transport) {
	c.use(t)
	if c.served != nil {
		c.start()
	}
}

func (c *connection) use(t transport.Transport) {
	c.transport = t
	c.reader.SetSource(t)
}

// DataReceived implements transport.Protocol.
func (c *connection) DataReceived(p []byte) {
	if !c.in.eof { // by Retire
		c.reader.FeedData(p)
	}
}

// EOFReceived implements transport.Protocol. A plain connection stays open for the reply. TLS peers
// usually do not read any more once they have ended their side.
func (c *connection) EOFReceived() bool {
	c.reader.FeedEOF()
	_, secured := c.transport.TLSConnectionState()
	return !secured
}

// ConnectionLost implements transport.Protocol.
func (c *connection) ConnectionLost(err error) {
	c.lost, c.lostErr = true, err
	if c.served != nil && c.served.stop != nil {
		c.served.stop()
	}
	c.over.Store(true)
	switch {
	case err == nil:
		c.reader.FeedEOF()
	case !c.reader.eof: // if the peer has ended its side in order, a read returns io.EOF
		c.reader.SetError(err)
	}
	c.reader.paused = false
	c.reader.source = nil
	c.backlog = nil
	wakeAll(&c.drains)
	wakeAll(&c.closes)
}

// PauseWriting implements transport.FlowControl.
func (c *connection) PauseWriting() { c.full = true }

// ResumeWriting implements transport.FlowControl.
func (c *connection) ResumeWriting() {
	c.full = false
	if c.dropping {
		c.writer.Abort()
	}
	wakeAll(&c.drains)
}

// broken returns the error of a connection that cannot send any more.
func (c *connection) broken() error {
	switch {
	case c.lostErr != nil:
		return c.lostErr
	case c.lost:
		return ErrClosed
	case c.transport.IsClosing():
		if w, ok := c.transport.(interface{ WriteError() error }); ok {
			if err := w.WriteError(); err != nil {
				return err
			}
		}
		return ErrClosed
	}
	return nil
}

// waitIn parks the task in line until the line is woken.
func waitIn(ctx context.Context, line *[]aio.Waiter, op string, on any) error {
	w := aio.NewWaiter(ctx, op, on)
	*line = append(*line, w)
	defer func() { // cancelled, or ended by the loop
		if i := slices.Index(*line, w); i >= 0 {
			*line = slices.Delete(*line, i, i+1)
		}
	}()
	return w.Park()
}

// wakeAll resumes all tasks in line.
func wakeAll(line *[]aio.Waiter) {
	waiting := *line
	*line = nil
	for _, w := range waiting {
		w.Unpark()
	}
}
