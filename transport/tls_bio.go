package transport

import (
	"io"
	"net"
	"sync"
	"time"

	"github.com/aio-go/aio/internal/errtree"
)

// errWouldBlock is the error of an empty memoryBIO after the handshake. It is Temporary, so that
// crypto/tls keeps an incomplete record and can be called again.
var errWouldBlock net.Error = wouldBlock{}

type wouldBlock struct{}

func (wouldBlock) Error() string   { return "transport: no complete TLS record yet" }
func (wouldBlock) Timeout() bool   { return true }
func (wouldBlock) Temporary() bool { return true }

// memoryBIO is the connection that crypto/tls uses: two queues of bytes in memory.
//
// crypto/tls holds mutexes while it reads and writes. A suspension below it would keep them locked,
// and the next call from another task would block the goroutine of the loop for ever. Therefore
// Write only appends, and Read never waits, except during the handshake, when it calls park. The
// secured transport makes no other call into crypto/tls then.
type memoryBIO struct {
	in   []byte       // received, not yet taken by crypto/tls
	lent bool         // in belongs to the caller of feed; keep must copy it before that returns
	own  *[]byte      // the memory of in, from the pool; nil: it is not from there
	end  error        // the error of Read once in is used up; nil if more may come
	park func() error // suspends the handshake until bytes arrive; nil when it is over

	out  *[]byte // records to be sent, from the pool; nil if there are none
	addr interface {
		LocalAddr() net.Addr
		RemoteAddr() net.Addr
	}
}

// feed appends received bytes. If nothing is waiting they are not copied: call keep before they
// become invalid.
func (b *memoryBIO) feed(p []byte) {
	if len(b.in) == 0 {
		b.in, b.lent = p, true
		return
	}
	b.keep()
	b.in = append(b.in, p...)
}

// keep copies the rest of lent bytes.
func (b *memoryBIO) keep() {
	if b.lent {
		b.lent = false
		if len(b.in) < flushSize/16 { // of a slow peer: no more memory than it needs
			b.in = append([]byte(nil), b.in...)
			return
		}
		b.own = records.Get().(*[]byte)
		*b.own = append((*b.own)[:0], b.in...)
		b.in = *b.own
	}
}

// drop forgets the received bytes.
func (b *memoryBIO) drop() {
	b.in, b.lent = nil, false
	if b.own != nil {
		records.Put(b.own)
		b.own = nil
	}
}

// finish makes err the end of the input; the first one counts.
func (b *memoryBIO) finish(err error) {
	if b.end == nil {
		b.end = err
	}
}

// Read takes received bytes.
func (b *memoryBIO) Read(p []byte) (int, error) {
	for len(b.in) == 0 {
		switch {
		case b.end != nil:
			return 0, b.end
		case b.park == nil:
			return 0, errWouldBlock
		}
		if err := b.park(); err != nil {
			b.finish(err)
			return 0, err
		}
	}
	n := copy(p, b.in)
	b.in = b.in[n:]
	if len(b.in) == 0 {
		b.drop()
	}
	return n, nil
}

// Write appends to the records to be sent.
func (b *memoryBIO) Write(p []byte) (int, error) {
	if b.out == nil {
		b.out = outgoing.Get().(*[]byte)
	}
	*b.out = append(*b.out, p...)
	return len(p), nil
}

// pending returns the number of bytes to be sent.
func (b *memoryBIO) pending() int {
	if b.out == nil {
		return 0
	}
	return len(*b.out)
}

// drain passes the bytes to be sent to send, in one piece. send must not keep them.
func (b *memoryBIO) drain(send func(p []byte)) {
	out := b.out
	if out == nil {
		return
	}
	b.out = nil // send may lead to further writes
	send(*out)
	if cap(*out) <= 2*flushSize {
		*out = (*out)[:0]
		outgoing.Put(out)
	}
}

// Close does nothing: the connection belongs to the raw transport.
func (b *memoryBIO) Close() error { return nil }

// LocalAddr and RemoteAddr are what the callbacks of a tls.Config see.
func (b *memoryBIO) LocalAddr() net.Addr  { return b.addr.LocalAddr() }
func (b *memoryBIO) RemoteAddr() net.Addr { return b.addr.RemoteAddr() }

// No method waits, so a deadline has nothing to end.
func (b *memoryBIO) SetDeadline(time.Time) error      { return nil }
func (b *memoryBIO) SetReadDeadline(time.Time) error  { return nil }
func (b *memoryBIO) SetWriteDeadline(time.Time) error { return nil }

const (
	// flushSize is the number of bytes of records after which they are sent even in the middle of a
	// batch.
	flushSize = 64 << 10
	// maxPlain is the largest payload of a TLS record.
	maxPlain = 16 << 10
)

// An idle connection holds no buffers: a batch takes them for its duration.
var (
	outgoing = sync.Pool{New: func() any { return new([]byte) }}
	records  = sync.Pool{New: func() any { return new([]byte) }}
	incoming = sync.Pool{New: func() any { return new([maxPlain]byte) }}
)

// isOrderlyEnd reports whether crypto/tls saw a close_notify. A connection that ended without one
// gives ErrTruncated, since memoryBIO never returns io.EOF.
func isOrderlyEnd(err error) bool { return errtree.Is(err, io.EOF) }
