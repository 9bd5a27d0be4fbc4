package aiohttp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/errtree"
)

var errBusyBody = errors.New("aiohttp: another task is reading from the connection")

type bodyKind uint8

const (
	noBody bodyKind = iota
	bodyOfLength
	bodyInChunks
)

// incomingBody is the body of a request, for tasks of the loop and, through the loop, for other
// goroutines. net/http parses chunks and trailers. It belongs to the loop.
type incomingBody struct {
	w      *reply
	kind   bodyKind
	left   int64         // bodyOfLength: bytes not read yet
	chunks io.Reader     // bodyInChunks: the body as net/http sees it,
	br     *bufio.Reader // chunks reads from this,
	src    chunkSource   // and br from the connection
	turn   aiosync.Lock  // one read at a time

	sawEOF bool
	told   bool  // the handler has read up to the end
	skips  bool  // what reads is not the handler
	failed error // with which reading has ended
	closed bool  // by the handler, or because that has returned
	early  bool  // closed with too much left to be skipped
	limit  limit // that the last read has met
	late   bool  // that limit was met when the status was chosen
}

// chunkSource is the source of net/http's reader of chunks: first the head, to parse it, then the
// connection.
type chunkSource struct {
	b    *incomingBody
	head []byte
	ctx  context.Context // of the task that reads
}

func (s *chunkSource) Read(p []byte) (int, error) {
	if len(s.head) > 0 {
		n := copy(p, s.head)
		s.head = s.head[n:]
		return n, nil
	}
	if s.ctx == nil {
		return 0, errMore
	}
	return s.b.w.c.read(s.ctx, p, !s.b.w.ownRead, &s.b.closed)
}

// readChunks lets net/http parse the head again, so that it reads the body behind it.
func (b *incomingBody) readChunks(req *http.Request, head []byte) error {
	b.kind = bodyInChunks
	b.src = chunkSource{b: b, head: head}
	b.br = chunkReaders.Get().(*bufio.Reader)
	b.br.Reset(&b.src)
	again, err := http.ReadRequest(b.br)
	if err != nil {
		return err
	}
	again.RemoteAddr = req.RemoteAddr
	*req = *again // whose Trailer net/http fills in
	b.chunks = again.Body
	b.w.parsed = again
	return nil
}

// isDone reports whether no more bytes of the body will come.
func (b *incomingBody) isDone() bool { return b.kind == noBody || b.sawEOF }

// Read waits until bytes have arrived. In a task it suspends the task, on another goroutine it
// blocks.
func (b *incomingBody) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	ctx := b.w.ctx
	if aio.InTask(ctx) {
		n, err = b.read(ctx, p)
	} else {
		n, err = b.readElsewhere(ctx, p)
	}
	if b.limit = metLimit(p, n); b.limit != noLimit {
		w := b.w
		w.mu.Lock()
		b.late = w.status != 0
		w.mu.Unlock()
	}
	return n, err
}

// readElsewhere is Read on another goroutine.
func (b *incomingBody) readElsewhere(ctx context.Context, p []byte) (n int, err error) {
	n, err = countAsTask(ctx, func(ctx context.Context) (int, error) { return b.read(ctx, p) })
	if errtree.Is(err, aio.ErrLoopClosed) {
		return 0, http.ErrBodyReadAfterClose
	}
	return n, err
}

func (b *incomingBody) read(ctx context.Context, p []byte) (int, error) {
	if err := b.turn.Acquire(ctx); err != nil {
		return 0, err
	}
	defer b.turn.Release()
	w := b.w
	switch {
	case b.closed:
		return 0, http.ErrBodyReadAfterClose
	case b.sawEOF:
		b.told = b.told || !b.skips
		return 0, io.EOF
	case b.failed != nil:
		return 0, b.failed
	case w.mayContinue.Load():
		w.mayContinue.Store(false)
		w.c.write(continueLine)
	}
	var n int
	var err error
	short := false // the client has ended before the body
	if b.kind == bodyInChunks {
		b.src.ctx = ctx
		n, err = b.chunks.Read(p)
		b.src.ctx = nil
	} else {
		n, err = w.c.read(ctx, p[:min(int64(len(p)), b.left)], !w.ownRead, &b.closed)
		b.left -= int64(n)
		switch {
		case err == nil && b.left == 0:
			err = io.EOF
		case err == io.EOF:
			err = io.ErrUnexpectedEOF
			short = true
		}
	}
	if b.closed {
		return 0, http.ErrBodyReadAfterClose
	}
	switch {
	case err == io.EOF || short: // the end all the same, as in net/http
		b.told = b.told || err == io.EOF && !b.skips
		b.end()
	case err == nil:
	case b.kind == bodyInChunks: // net/http goes on failing
	case !errtree.Is(err, aio.ErrCancelled) && !errtree.Is(err, context.DeadlineExceeded) &&
		!(w.ownRead && errtree.Is(err, os.ErrDeadlineExceeded)):
		b.failed = err
	}
	return n, err
}

// end is called when the whole body has been read.
func (b *incomingBody) end() {
	b.sawEOF = true
	if b.kind == bodyInChunks {
		b.handBack() // bytes of the next request
		if r := b.w.parsed; r != nil {
			b.w.req.Trailer = r.Trailer
		}
		b.dropReader()
	}
	b.w.c.checkGone()
}

// handBack gives the connection bytes back that were read ahead. Nobody reads now, or they stay.
func (b *incomingBody) handBack() {
	if b.br == nil || b.src.ctx != nil {
		return
	}
	if n := b.br.Buffered(); n > 0 {
		rest, _ := b.br.Peek(n)
		b.w.c.in.unread(rest)
		b.br.Discard(n)
	}
}

func (b *incomingBody) dropReader() {
	if b.br != nil {
		b.br.Reset(nil)
		chunkReaders.Put(b.br)
		b.br = nil
	}
}

// Close ends reading. If little is left, the rest is skipped, so that the connection can be kept.
func (b *incomingBody) Close() error {
	ctx := b.w.ctx
	if aio.InTask(ctx) {
		return b.close(ctx)
	}
	_, err := asTask(ctx, aio.Action(b.close))
	return err
}

func (b *incomingBody) close(ctx context.Context) error {
	if b.closed || b.kind == noBody {
		return nil
	}
	var err error
	if !b.sawEOF && !b.turn.Locked() && !b.w.mayContinue.Load() {
		b.early, err = b.skip(ctx, maxSkipped)
	}
	b.stop()
	if err == io.EOF {
		err = nil
	}
	return err
}

// stop ends reading, also a read under way.
func (b *incomingBody) stop() {
	if b.closed {
		return
	}
	b.closed = true
	if b.turn.Locked() {
		b.w.c.stopReading()
	} else {
		b.dropReader()
	}
}

// skip reads the rest of the body, up to a limit. It reports whether more is left.
func (b *incomingBody) skip(ctx context.Context, limit int64) (more bool, err error) {
	if b.kind == bodyOfLength && b.left > limit {
		return true, nil
	}
	piece := pieces.Get().(*[pieceSize]byte)
	defer pieces.Put(piece)
	b.skips = true
	defer func() { b.skips = false }()
	for limit > 0 {
		n, err := b.read(ctx, piece[:min(int64(len(piece)), limit)])
		if limit -= int64(n); err != nil {
			return false, err
		}
	}
	return true, nil
}
