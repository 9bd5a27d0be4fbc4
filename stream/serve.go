package stream

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/internal/unclosed"
	"github.com/aio-go/aio/transport"
)

// Server is a listening server; see [transport.Server].
type Server = transport.Server

// Handler serves one connection. Its Reader and Writer are open; the Writer is closed when it
// returns.
type Handler = func(ctx context.Context, r *Reader, w *Writer) error

// Serve accepts connections on address and starts a task for each, named after the peer, that runs
// handler. It returns when the server accepts. network and address are those of [transport.Listen],
// the options its options and [Limit].
//
// When handler returns, the Writer is closed. Its bytes are still sent, unless the peer takes none
// of them for the time of [transport.ShutdownTimeout]. An error or panic of handler is reported to
// the loop's exception handler, a cancellation is not.
//
// It suspends the task only to look up a name. It panics if handler is nil. asyncio: start_server
// and start_unix_server.
//
// Cancellation: nothing is left open.
func Serve(
	ctx context.Context, network, address string, handler Handler, opts ...transport.Option,
) (*Server, error) {
	factory, opts := factory(ctx, "Serve", handler, opts)
	return transport.Listen(ctx, network, address, factory, opts...)
}

// AdoptListener is [Serve] on a listener that was made elsewhere. The server owns ln from then on,
// also after an error: do not use ln any more. It does not suspend.
// asyncio: start_server(sock=...).
func AdoptListener(
	ctx context.Context, ln net.Listener, handler Handler, opts ...transport.Option,
) (*Server, error) {
	factory, opts := factory(ctx, "AdoptListener", handler, opts)
	return transport.AdoptListener(ctx, ln, factory, opts...)
}

// factory returns the factory of a server's protocols, and the options of package transport.
func factory(
	ctx context.Context, op string, handler Handler, opts []transport.Option,
) (func() transport.Protocol, []transport.Option) {
	if handler == nil {
		panic("stream: " + op + ": the handler is nil; pass a function that serves one connection")
	}
	aio.RunningLoop(ctx) // panics if there is no loop
	limit, opts := takeLimit(opts)
	ctx = unclosed.WithServer(ctx)
	return func() transport.Protocol {
		c := newConnection(limit)
		c.served = &service{ctx: ctx, handler: handler}
		return c
	}, opts
}

// peerLeft reports whether err only says that the peer has gone.
func peerLeft(err error) bool {
	_, limit := errtree.As[*transport.TimeLimitError](err)
	return limit || errtree.Is(err, sys.EPIPE) || errtree.Is(err, sys.ECONNRESET) ||
		errtree.Is(err, transport.ErrTruncated)
}

// service is the part of a connection that only a server needs. It goes through these states:
//
//	state    | entered by                              | a read with nothing buffered
//	serving  | the handler starts                      | waits
//	retiring | the server shuts down                   | is idle: the connection retires
//	retired  | a read that waits, nothing is buffered  | gets the end of the stream
type service struct {
	ctx      context.Context
	handler  Handler
	begin    func() (end func())
	task     *aio.Task[aio.None]
	retiring bool
	looking  bool   // a decision whether it is idle is pending
	stop     func() // ends the grace of a handler that failed; nil if there is none
}

// start runs the handler in a task.
func (c *connection) start() {
	s := c.served
	name := "stream handler"
	if addr := c.transport.RemoteAddr(); addr != nil && strings.Trim(addr.String(), "@") != "" {
		name += " for " + addr.String()
	}
	end := s.begin()
	s.task = aio.Start(s.ctx, func(ctx context.Context) error {
		return s.handler(ctx, &c.reader, &c.writer)
	}, aio.Name(name))
	s.task.AddDoneCallback(func() {
		defer end()
		err := s.task.Err()
		if s.task.Cancelled() || err == nil {
			c.writer.Close()
			return
		}
		c.transport.Loop().CallExceptionHandler(aio.Report{
			Message:  "stream: a connection handler failed",
			Err:      err,
			TaskName: s.task.Name(),
			Warning:  peerLeft(err), // a server sees it every day
		})
		c.drop()
	})
}

// failedGrace is how long a peer has to take the last bytes of a failed handler.
const failedGrace = time.Second

// drop ends the connection of a handler that failed. A backlog that the peer has not taken is
// dropped; an error message that the handler wrote at the end is not.
func (c *connection) drop() {
	if c.lost || c.full || c.upgrading || c.transport.WriteBufferSize() == 0 {
		c.writer.Abort()
		return
	}
	c.over.Store(true)
	c.dropping = true // when all bytes are sent
	c.transport.PauseReading()
	c.transport.SetWriteBufferLimits(0, 0)
	if !c.full {
		c.writer.Abort()
		return
	}
	late := c.transport.Loop().CallLater(failedGrace, c.writer.Abort)
	c.served.stop = late.Cancel
}

// Enrol implements transport.Graceful.
func (c *connection) Enrol(begin func() (end func())) { c.served.begin = begin }

// CutOff implements transport.Graceful.
func (c *connection) CutOff() { c.served.task.Cancel(transport.ErrServerClosed) }

// Retire implements transport.Graceful.
func (c *connection) Retire() {
	if c.served.retiring || c.lost {
		return
	}
	c.served.retiring = true
	c.in.idle = c.retireSoon
	if c.isIdle() {
		c.retireSoon()
	}
}

// Busy reports whether the handler works, or waits for something other than its peer; see
// transport.IdleTimeout.
func (c *connection) Busy() bool {
	return c.served != nil && c.served.task != nil && !c.served.task.Done() &&
		c.reader.waiting == "" && len(c.drains) == 0 && len(c.closes) == 0 && !c.upgrading
}

// Working reports whether the program may still write on a TLS connection that the peer has cut. It
// does not if it waits for the peer or for the end, or has closed its side.
func (c *connection) Working() bool {
	return !c.over.Load() && c.reader.waiting == "" && len(c.closes) == 0 &&
		(c.served == nil || c.served.task != nil && !c.served.task.Done())
}

// isIdle reports whether the handler waits for the peer to begin something. It is false for a task
// that reads to the end of the stream, which must not take a shutdown for that end. It is false,
// too, for one that takes bytes as they come and has not answered, since these may be half of a
// message.
func (c *connection) isIdle() bool {
	switch r := &c.reader; r.waiting {
	case "", opReadAll:
		return false
	case opRead:
		return r.Buffered() == 0 && !r.owes
	default:
		return r.Buffered() == 0
	}
}

// retireSoon ends the reads of an idle connection, unless bytes have come in the meantime.
func (c *connection) retireSoon() {
	if c.served.looking {
		return
	}
	c.served.looking = true
	c.transport.Loop().CallSoon(func() {
		c.served.looking = false
		if l, ok := c.transport.(interface{ Look() }); ok && c.isIdle() &&
			!c.transport.IsClosing() {
			l.Look()
		}
		if c.isIdle() && !c.lost && !c.in.eof {
			c.in.idle = nil
			c.transport.PauseReading()
			c.reader.FeedEOF()
		}
	})
}
