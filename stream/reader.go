package stream

import (
	"context"
	"fmt"
	"io"
	"iter"
	"math"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// DefaultLimit is the default limit of a reader, in bytes.
const DefaultLimit = 64 << 10

// Source is the part of a transport that a [Reader] needs: the reader pauses it while it has
// enough. Every transport.Transport is one.
type Source interface {
	PauseReading()
	ResumeReading()
}

// Reader is the receiving half of a connection: received bytes are buffered until a task reads
// them. When more than twice the limit is buffered, the transport is paused and the peer has to
// wait. It resumes when no more than the limit is left.
//
// One task reads at a time: while one waits, another gets an error matching [ErrBusy] at once. A
// read takes its data when it returns. A read that fails or is cancelled takes nothing unless it
// says so. Data that arrived before the connection was lost can be read before the error.
// asyncio: StreamReader.
type Reader struct{ *incoming }

// incoming is the state that a Reader reads from. It is a separate object, so that the collector
// can find a Reader that is forgotten while its connection is still fed.
type incoming struct {
	buf     buffer
	limit   int
	want    int // how many bytes the waiting read needs, if more than twice the limit
	eof     bool
	err     error
	source  Source
	paused  bool
	waiter  aio.Waiter // the task that reads
	waiting string     // and in which method; "" if there is none
	into    []byte     // the buffer of that task, if it is in Read
	idle    func()     // called when a read begins to wait with nothing buffered; may be nil
	owes    bool       // bytes were taken and nothing was written since
	// bytes put into it since: they precede buf, and are taken unless the task is cancelled
	got int
}

// NewReader returns a reader for a protocol of your own, to be fed by FeedData, FeedEOF and
// SetError; [Open] and [Serve] make theirs. limit is the largest number of bytes before a
// separator, usually [DefaultLimit]. At most twice as many bytes are buffered. It panics unless
// limit is positive.
func NewReader(limit int) *Reader {
	r := &Reader{new(incoming)}
	r.init(limit)
	return r
}

func (r *incoming) init(limit int) {
	if limit <= 0 {
		panic("stream: NewReader: the limit is not positive; pass DefaultLimit if in doubt")
	}
	r.limit = limit
}

// SetSource sets the source to pause when the reader has enough. Without a source it buffers
// everything.
func (r *Reader) SetSource(s Source) { r.source = s }

// FeedData appends received bytes; p is copied. It panics after FeedEOF.
func (r *Reader) FeedData(p []byte) {
	if r.eof {
		panic("stream: Reader.FeedData: the stream has ended; feed nothing after FeedEOF")
	}
	if len(p) == 0 {
		return
	}
	if r.waiting != "" && r.got == 0 && r.buf.Len() == 0 {
		r.got = copy(r.into, p)
		p = p[r.got:]
	}
	if len(p) > 0 {
		r.buf.Write(p)
	}
	r.wake()
	if r.source != nil && !r.paused && r.Buffered() > max(2*r.limit, r.want) {
		r.paused = true
		r.source.PauseReading()
	}
}

// FeedEOF says that no more data will come. Reads get the buffered bytes and then the end.
func (r *Reader) FeedEOF() {
	r.eof = true
	r.wake()
}

// SetError says that no more data will come, because of err. Reads get the buffered bytes and then
// err.
func (r *Reader) SetError(err error) {
	r.err = err
	r.wake()
}

// Err returns the error given to SetError, nil if there is none. asyncio: exception.
func (r *Reader) Err() error { return r.err }

// AtEOF reports whether the stream has ended and everything has been read.
func (r *Reader) AtEOF() bool { return r.eof && r.Buffered() == 0 }

// Buffered returns the number of bytes that can be read without waiting.
func (r *Reader) Buffered() int { return r.got + r.buf.Len() }

// String describes the reader for logs and dumps.
func (r *Reader) String() string {
	s := fmt.Sprintf("Reader %d bytes, limit %d", r.Buffered(), r.limit)
	if r.eof {
		s += ", eof"
	}
	if r.err != nil {
		s += ", error: " + r.err.Error()
	}
	if r.waiting != "" {
		s += ", a task waits in " + r.waiting
	}
	if r.paused {
		s += ", paused"
	}
	return s
}

func (r *Reader) wake() { r.waiter.Unpark() }

// takeBack moves the bytes that a waiting Read was given, or has not returned yet, to where every
// read finds them.
func (r *Reader) takeBack() {
	if r.got > 0 {
		rest := r.buf.Next(r.buf.Len())
		r.buf.Write(r.into[:r.got])
		r.buf.Write(rest)
	}
	r.into, r.got = nil, 0
}

// begin refuses a second reader.
func (r *Reader) begin(op string) error {
	if r.waiting != "" {
		return r.busy(op)
	}
	if r.into != nil { // of a task that the loop ended in its wait
		r.takeBack()
	}
	return nil
}

func (r *Reader) busy(op string) error {
	return fmt.Errorf("%w: %s was called while it waits in %s; "+
		"give each stream one reader, or use a Lock", ErrBusy, op, r.waiting)
}

// prepare makes the waiter of a read, which resumes when bytes are fed. need is the number of bytes
// that the read waits for. The read itself parks and defers waited: fewer frames make the stack of
// a waiting task smaller.
func (r *Reader) prepare(ctx context.Context, op string, need int) aio.Waiter {
	r.want = need
	r.resume()
	r.waiting = op
	r.waiter = aio.NewWaiter(ctx, op, r)
	if r.idle != nil && r.Buffered() == 0 {
		r.idle()
	}
	return r.waiter
}

// waited ends a read, also of a task that the loop ends in its wait.
func (r *Reader) waited() { r.waiter, r.waiting, r.want = aio.Waiter{}, "", 0 }

func (r *Reader) resume() {
	if r.paused {
		r.paused = false
		r.source.ResumeReading()
	}
}

// taken is called after a read took data.
func (r *Reader) taken() {
	r.owes = true
	if r.paused && r.buf.Len() <= r.limit {
		r.resume()
	}
}

const (
	opRead    = "Reader.Read"
	opReadAll = "Reader.ReadAll"
)

// Read reads the bytes that are there, at most len(p), and waits only if there are none. At the end
// of the stream it returns 0 and [io.EOF]. If p is empty it returns at once. Bytes that arrive
// while it waits are written straight into p, so no other waiting Read may use that memory.
// asyncio: read with a positive count.
//
// Cancellation: nothing is taken.
func (r *Reader) Read(ctx context.Context, p []byte) (int, error) {
	const op = opRead
	if err := r.begin(op); err != nil {
		return 0, err
	}
	defer r.waited()
	if len(p) == 0 {
		return 0, nil
	}
	for r.buf.Len() == 0 {
		if err := r.end(); err != nil {
			return 0, err
		}
		r.into = p // past the buffer
		if err := r.prepare(ctx, op, 0).Park(); err != nil {
			r.takeBack()
			return 0, err
		}
		n := r.got
		if r.into, r.got = nil, 0; n > 0 {
			r.taken()
			return n, nil
		}
	}
	n := r.buf.Read(p)
	r.taken()
	return n, nil
}

// end returns why no more data will come: the reader's error, io.EOF, or nil if more may come.
func (r *Reader) end() error {
	switch {
	case r.err != nil:
		return r.err
	case r.eof:
		return io.EOF
	}
	return nil
}

// ReadAll reads until the stream ends. The limit does not apply, so memory is the limit. If the
// connection is lost, it returns the bytes before the loss, and the error. asyncio: read without a
// count.
//
// Cancellation: nothing is taken; all bytes stay readable.
func (r *Reader) ReadAll(ctx context.Context) ([]byte, error) {
	const op = opReadAll
	if err := r.begin(op); err != nil {
		return nil, err
	}
	defer r.waited()
	for r.end() == nil {
		if err := r.prepare(ctx, op, math.MaxInt).Park(); err != nil {
			r.pauseIfFull()
			return nil, err
		}
	}
	data := r.buf.Next(r.buf.Len())
	r.taken()
	return data, r.err
}

// pauseIfFull restores back-pressure after a cancelled read that had lifted it.
func (r *Reader) pauseIfFull() {
	if r.source != nil && !r.paused && r.buf.Len() > 2*r.limit {
		r.paused = true
		r.source.PauseReading()
	}
}

// ReadExactly reads n bytes. The limit does not apply. If the stream ends before, it takes the
// remaining bytes and returns them in an [*IncompleteReadError]. A negative n gives [ErrCount].
// asyncio: readexactly.
//
// Cancellation: nothing is taken.
func (r *Reader) ReadExactly(ctx context.Context, n int) ([]byte, error) {
	const op = "Reader.ReadExactly"
	if err := r.begin(op); err != nil {
		return nil, err
	}
	defer r.waited()
	if n < 0 {
		return nil, ErrCount
	}
	for r.buf.Len() < n {
		switch err := r.end(); {
		case err == io.EOF:
			return nil, r.incomplete(n)
		case err != nil:
			return nil, err
		}
		if err := r.prepare(ctx, op, n).Park(); err != nil {
			r.pauseIfFull()
			return nil, err
		}
	}
	data := make([]byte, n)
	r.buf.Read(data)
	r.taken()
	return data, nil
}

// incomplete takes the remaining bytes of a stream that ended too early.
func (r *Reader) incomplete(expected int) error {
	err := &IncompleteReadError{Partial: r.buf.Next(r.buf.Len()), Expected: expected}
	r.taken()
	return err
}

// ReadUntil reads up to and including a separator. Of several separators the one that ends first
// counts. If the stream ends before, it takes the remaining bytes and returns them in an
// [*IncompleteReadError].
//
// If more bytes than the limit precede the separator, it returns a [*LimitError]. The bytes stay
// and can be read in another way. asyncio: readuntil.
//
// Cancellation: nothing is taken.
func (r *Reader) ReadUntil(ctx context.Context, separators ...[]byte) ([]byte, error) {
	if len(separators) == 0 {
		return nil, ErrSeparator
	}
	for _, sep := range separators {
		if len(sep) == 0 {
			return nil, ErrSeparator
		}
	}
	end, err := r.findEnd(ctx, "Reader.ReadUntil", separators...)
	switch {
	case err == io.EOF:
		return nil, r.incomplete(-1)
	case err != nil:
		return nil, err
	}
	data := r.buf.Next(end)
	r.taken()
	return data, nil
}

// findEnd waits for a separator and returns where it ends.
func (r *Reader) findEnd(ctx context.Context, op string, separators ...[]byte) (int, error) {
	if err := r.begin(op); err != nil {
		return 0, err
	}
	defer r.waited()
	from := 0
	for {
		start, end := r.buf.search(from, separators...)
		switch {
		case start > r.limit:
			return end, &LimitError{Consumed: start, Found: true}
		case start >= 0:
			return end, nil
		case end > r.limit:
			return 0, &LimitError{Consumed: end}
		}
		from = end
		if err := r.end(); err != nil {
			return 0, err
		}
		if err := r.prepare(ctx, op, 0).Park(); err != nil {
			return 0, err
		}
	}
}

var newline = []byte{'\n'}

// ReadLine reads up to and including the next newline. The last line of a stream may have none.
// After it, and for an empty stream, it returns nil and [io.EOF].
//
// If a line is longer than the limit, it returns a [*LimitError] and drops the line up to the
// newline, or all buffered bytes if the newline has not arrived. asyncio: readline.
//
// Cancellation: nothing is taken.
func (r *Reader) ReadLine(ctx context.Context) ([]byte, error) {
	end, err := r.findEnd(ctx, "Reader.ReadLine", newline)
	var tooLong *LimitError
	switch {
	case err == nil:
	case err == io.EOF && r.buf.Len() > 0:
		end = r.buf.Len()
	case errtree.Into(err, &tooLong):
		if !tooLong.Found {
			end = r.buf.Len()
		}
		r.buf.Discard(end)
		r.taken()
		return nil, err
	default:
		return nil, err
	}
	line := r.buf.Next(end)
	r.taken()
	return line, nil
}

// Lines iterates over the remaining lines, newlines included, until the stream ends. An error of
// ReadLine is yielded, with a nil line, and ends the iteration.
//
//	for line, err := range r.Lines(ctx) {
//		if err != nil {
//			return err
//		}
//		...
//	}
//
// Cancellation: the error is yielded; nothing is taken.
func (r *Reader) Lines(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for {
			line, err := r.ReadLine(ctx)
			if err == io.EOF {
				return
			}
			if !yield(line, err) || err != nil {
				return
			}
		}
	}
}
