package stream

import (
	"context"
	"crypto/tls"
	"net"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// Writer is the sending half of a connection. Writing never waits: the bytes that the network does
// not take at once are buffered. A task that writes much calls Drain now and then, which waits
// while the buffer is too full. asyncio: StreamWriter.
//
//	w.Write(data)
//	if err := w.Drain(ctx); err != nil {
//		return err
//	}
type Writer struct{ c *connection }

// Write sends or buffers p; the caller may use p again at once. It returns len(p) and nil, which
// does not mean that the peer has got the bytes. On a connection that is closed or lost it returns
// 0 and [ErrClosed] or the error of the loss. asyncio: write.
func (w *Writer) Write(p []byte) (int, error) {
	c := w.c
	c.in.mustBeHere("Writer.Write")
	if err := c.broken(); err != nil {
		return 0, err
	}
	if c.upgrading { // plain bytes must not mix with those of the handshake
		c.backlog = append(c.backlog, p...)
		return len(p), nil
	}
	c.in.owes = false
	c.unpaused += min(len(p), maxUnpaused) + eachWrite
	c.transport.Write(p)
	return len(p), nil
}

// WriteString is Write for a string.
func (w *Writer) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

// WriteLines writes the chunks in order, as one piece. It adds no newlines. asyncio: writelines.
func (w *Writer) WriteLines(chunks ...[]byte) (int, error) {
	n := 0
	for _, chunk := range chunks {
		n += len(chunk)
	}
	all := make([]byte, 0, n)
	for _, chunk := range chunks {
		all = append(all, chunk...)
	}
	return w.Write(all)
}

// maxUnpaused is how many bytes a task may write before Drain lets other tasks run, even if the
// system takes all of them at once. A peer that reads fast must not hold the loop. Each write
// counts for eachWrite more, as it may be a system call: 100,000 lines of a peer may wait for their
// answers.
const (
	maxUnpaused = 1 << 20
	eachWrite   = 4 << 10
)

// Drain waits while the buffer is too full: above the transport's high limit, until it has fallen
// to the low one. During StartTLS it also waits if as many bytes were written meanwhile. Many tasks
// may wait; all resume together. After 1 MiB or 256 writes it lets other tasks run in any case. It
// returns the error of a connection that was lost, or [ErrClosed] if it is closed. asyncio: drain.
//
// Cancellation: written bytes are still sent.
func (w *Writer) Drain(ctx context.Context) error {
	const op = "Writer.Drain"
	c := w.c
	if !c.lost && c.transport.IsClosing() {
		// Let the loop report why.
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	if err := c.broken(); err != nil {
		return err
	}
	if c.upgrading && c.tooMuchEarly() {
		if err := waitIn(ctx, &c.drains, op, w); err != nil {
			return err
		}
		if err := c.broken(); err != nil {
			return err
		}
	}
	switch {
	case c.full:
		if err := waitIn(ctx, &c.drains, op, w); err != nil {
			return err
		}
		c.unpaused = 0
	case c.unpaused >= maxUnpaused:
		c.unpaused = 0
		if err := aio.Yield(ctx); err != nil {
			return err
		}
	}
	if err := c.broken(); c.lost || err != ErrClosed {
		return err
	}
	return nil // closed by another task meanwhile: the written bytes are sent
}

// WriteEOF closes the sending half after all written bytes have been sent. The peer sees the end of
// the stream and can still reply. If that is not possible it returns [ErrNoHalfClose]. On a closing
// connection it does nothing. asyncio: write_eof.
func (w *Writer) WriteEOF() error {
	w.c.in.mustBeHere("Writer.WriteEOF")
	if !w.CanWriteEOF() {
		return ErrNoHalfClose
	}
	w.c.transport.WriteEOF()
	return nil
}

// CanWriteEOF reports whether the sending half can be closed alone. TLS cannot.
func (w *Writer) CanWriteEOF() bool { return !w.c.upgrading && w.c.transport.CanWriteEOF() }

// Close sends the buffered bytes and then closes the connection. It does not wait; see WaitClosed.
// asyncio: close.
func (w *Writer) Close() {
	w.c.in.mustBeHere("Writer.Close")
	w.c.over.Store(true)
	if w.c.upgrading {
		w.c.transport.Abort()
		return
	}
	w.c.transport.Close()
}

// Abort drops the buffered bytes and closes the connection.
func (w *Writer) Abort() {
	w.c.in.mustBeHere("Writer.Abort")
	w.c.over.Store(true)
	w.c.transport.Abort()
}

// IsClosing reports whether the connection is closing or closed.
func (w *Writer) IsClosing() bool { return w.c.lost || w.c.transport.IsClosing() }

// WaitClosed waits until the connection is gone. It returns nil if it ended in order, otherwise the
// error of its loss. Call Close before, or wait for the peer. asyncio: wait_closed.
//
// Cancellation: the connection goes on closing.
func (w *Writer) WaitClosed(ctx context.Context) error {
	c := w.c
	if !c.lost {
		if err := waitIn(ctx, &c.closes, "Writer.WaitClosed", w); err != nil {
			return err
		}
	}
	return c.lostErr
}

// StartTLS secures the connection, with a server's side as the server of the handshake. Bytes
// received but not read are taken for the beginning of the handshake: nothing sent in plain text
// can pass for secured. Bytes written while StartTLS waits are sent afterwards, secured. The server
// name of a client is the host that it connected to, unless cfg gives one.
//
// If it fails, the connection is lost with the same error. It fails at once if the peer had ended
// its side before. The options are those of [transport.StartTLS]. asyncio: start_tls.
//
// Cancellation: the connection is aborted.
func (w *Writer) StartTLS(ctx context.Context, cfg *tls.Config, opts ...transport.Option) error {
	c := w.c
	if c.upgrading {
		panic("stream: Writer.StartTLS: an upgrade is under way in another task; call it once")
	}
	if err := c.broken(); err != nil {
		return err
	}
	opts = c.upgradeName(cfg, opts)
	c.reader.takeBack() // also bytes given to a waiting Read: they came in plain text
	if unread := c.reader.buf.Len(); unread > 0 {
		opts = append(opts, transport.AlreadyReceived(c.reader.buf.Next(unread)))
		c.reader.paused = false
	}
	c.upgrading = true
	defer func() {
		c.upgrading = false
		wakeAll(&c.drains) // those that wait because of the backlog
	}()
	t, err := transport.StartTLS(ctx, c.transport, cfg, c.served != nil, opts...)
	if err != nil {
		return err
	}
	c.upgrading = false
	c.use(t)
	if len(c.backlog) > 0 {
		t.Write(c.backlog)
		c.backlog = nil
	}
	return nil
}

// Sendfile sends a file after everything written before and returns the number of bytes sent; see
// [transport.Sendfile], also for the options. Meanwhile nothing can be written: a task in Drain
// resumes afterwards, and Write panics. As after Drain, the bytes may still be on their way when it
// returns. asyncio: sendfile.
//
// Cancellation: the transfer ends where it is and the connection stays open, with part of the file
// sent. The returned number says how much.
func (w *Writer) Sendfile(
	ctx context.Context, f *os.File, opts ...transport.SendfileOption,
) (int64, error) {
	c := w.c
	if c.upgrading {
		panic("stream: Writer.Sendfile: StartTLS is under way in another task; " +
			"wait until it has returned")
	}
	if err := c.broken(); err != nil {
		return 0, err
	}
	return transport.Sendfile(ctx, c.transport, f, opts...)
}

// tooMuchEarly reports whether more bytes were written during an upgrade than the buffer may hold.
func (c *connection) tooMuchEarly() bool {
	high, _ := c.transport.WriteBufferLimits()
	return len(c.backlog) > high
}

// Transport returns the transport below.
func (w *Writer) Transport() transport.Transport { return w.c.transport }

// LocalAddr returns the address of this end.
func (w *Writer) LocalAddr() net.Addr { return w.c.transport.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (w *Writer) RemoteAddr() net.Addr { return w.c.transport.RemoteAddr() }

// TLSConnectionState returns the result of the TLS handshake, or false if the connection is not
// secured.
func (w *Writer) TLSConnectionState() (tls.ConnectionState, bool) {
	return w.c.transport.TLSConnectionState()
}

// String describes the writer for logs and dumps.
func (w *Writer) String() string {
	c := w.c
	s := "Writer"
	if addr := c.transport.RemoteAddr(); addr != nil {
		s += " to " + addr.String()
	}
	switch {
	case c.lost:
		s += ", lost"
	case c.transport.IsClosing():
		s += ", closing"
	case c.full:
		s += ", full"
	}
	return s
}
