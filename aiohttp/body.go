package aiohttp

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aio-go/aio"
)

// pieces are buffers for bodies.
var pieces = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// requestBody is the body of a request under OnLoop, for a task. It is read ahead, one piece for
// each switch of goroutines. Other goroutines, such as those of a client of net/http or a proxy,
// may read it too. They read from net/http directly.
type requestBody struct {
	x      *exchange
	seen   *http.Request   // by the handler
	ctx    context.Context // the task's
	body   io.ReadCloser
	torn   atomic.Pointer[error] // of the task's read that was given up: the rest is lost
	closed atomic.Bool

	// guards the rest; goroutines hold it while they wait for the client, tasks do not
	mu   sync.Mutex
	buf  *[pieceSize]byte
	rest []byte // in buf
	err  error  // after rest

	limit atomic.Uint32 // met by the last read
}

// Read waits until bytes have arrived. In a task it suspends the task, on another goroutine it
// blocks.
func (b *requestBody) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	if aio.InTask(b.ctx) {
		n, err = b.readInTask(p)
	} else {
		n, err = b.readHere(p)
	}
	if err == io.EOF && b.seen != nil {
		b.seen.Trailer = b.x.r.Trailer // trailers that were not announced
	}
	if n > 0 {
		b.limit.Store(uint32(metLimit(p, n)))
	}
	return n, err
}

// limit says how a read is related to the limit of http.MaxBytesReader. That reader reports an
// excess only to the writer of net/http.
type limit uint32

const (
	noLimit    limit = iota
	maybeLimit       // a whole buffer was filled, which may be that of http.MaxBytesReader
	overLimit        // http.MaxBytesReader got one byte more than the limit
)

// metLimit examines a read of n bytes into p, in the method that the reader was called with.
// Finding the caller is slow, so that is done only if p was cut. A reader that asks for one byte
// more than the limit cuts p, unless its caller's buffer is just as long. In that case the status
// has to decide.
func metLimit(p []byte, n int) limit {
	switch {
	case n == 0 || n < len(p):
		return noLimit
	case cap(p) == n:
		return maybeLimit
	}
	var pcs [8]uintptr // there may be a reader in between
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for more := true; more; {
		var frame runtime.Frame
		frame, more = frames.Next()
		if strings.HasPrefix(frame.Function, "net/http.(*maxBytesReader).") {
			return overLimit
		}
	}
	return noLimit
}

// exceeded reports whether the client sends more than the handler accepts, so that its connection
// has to be closed.
func (l limit) exceeded(status int) bool {
	return l == overLimit || l == maybeLimit && status == http.StatusRequestEntityTooLarge
}

func (b *requestBody) readInTask(p []byte) (int, error) {
	for {
		if torn := b.torn.Load(); torn != nil { // a goroutine may still have the lock
			return 0, *torn
		}
		if b.mu.TryLock() {
			n, err := b.take(p)
			b.mu.Unlock()
			if n > 0 || err != nil {
				return n, err
			}
		}
		if err := b.x.thread(b.ctx, &b.x.reads, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			if len(b.rest) > 0 || b.err != nil {
				return // another goroutine has read meanwhile
			}
			if b.buf == nil {
				b.buf = pieces.Get().(*[pieceSize]byte)
			}
			var n int
			n, b.err = b.x.readBody(b.body, b.buf[:])
			b.rest = b.buf[:n]
		}); err != nil {
			b.torn.CompareAndSwap(nil, &err)
		}
	}
}

func (b *requestBody) readHere(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if n, err := b.take(p); n > 0 || err != nil {
		return n, err
	}
	if !b.x.reads.begin() {
		return 0, http.ErrBodyReadAfterClose
	}
	defer b.x.reads.end()
	var n int
	n, b.err = b.x.readBody(b.body, p)
	return n, b.err
}

// take is a read that does not wait. Without data and an error, more may come.
func (b *requestBody) take(p []byte) (n int, err error) {
	switch torn := b.torn.Load(); {
	case b.closed.Load():
		err = http.ErrBodyReadAfterClose
	case torn != nil:
		err = *torn
	case len(b.rest) > 0:
		n = copy(p, b.rest)
		b.rest = b.rest[n:]
		if len(b.rest) > 0 || b.err == nil {
			return n, nil
		}
	default:
		err = b.err
	}
	if b.buf != nil {
		pieces.Put(b.buf)
		b.buf, b.rest = nil, nil
	}
	return n, err
}

// Close ends reading; the server takes the rest.
func (b *requestBody) Close() error {
	b.closed.Store(true)
	if b.mu.TryLock() { // otherwise the owner of the lock notices it
		b.take(nil)
		b.mu.Unlock()
	}
	return nil
}

// whole reports whether all of the body has been read.
func (b *requestBody) whole() bool {
	if !b.mu.TryLock() {
		return false
	}
	defer b.mu.Unlock()
	return b.err == io.EOF && len(b.rest) == 0
}
