package stream

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/aio-go/aio"
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
	loop    *aio.Loop // that of the source, or of the first read that waited; nil: not known
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
func (r *Reader) SetSource(s Source) {
	r.mustBeHere("Reader.SetSource")
	r.source = s
	if t, ok := s.(interface{ Loop() *aio.Loop }); ok {
		r.loop = t.Loop()
	}
}

// mustBeHere panics in debug mode on a goroutine that is not the loop's.
func (r *incoming) mustBeHere(op string) {
	if r.loop != nil {
		r.loop.MustBeHere(op)
	}
}

// FeedData appends received bytes; p is copied. It panics after FeedEOF.
func (r *Reader) FeedData(p []byte) {
	r.mustBeHere("Reader.FeedData")
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
	r.mustBeHere("Reader.FeedEOF")
	r.eof = true
	r.wake()
}

// SetError says that no more data will come, because of err. Reads get the buffered bytes and then
// err.
func (r *Reader) SetError(err error) {
	r.mustBeHere("Reader.SetError")
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
	s := "Reader"
	if c, ok := r.source.(interface{ RemoteAddr() net.Addr }); ok {
		if addr := c.RemoteAddr(); addr != nil && strings.Trim(addr.String(), "@") != "" {
			s += " of " + addr.String() + ","
		}
	}
	s += fmt.Sprintf(" %d bytes, limit %d", r.Buffered(), r.limit)
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
	if r.loop == nil {
		r.loop = aio.RunningLoop(ctx)
	}
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

// pauseIfFull restores back-pressure after a cancelled read that had lifted it.
func (r *Reader) pauseIfFull() {
	if r.source != nil && !r.paused && r.buf.Len() > 2*r.limit {
		r.paused = true
		r.source.PauseReading()
	}
}
