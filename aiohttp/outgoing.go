package aiohttp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

const (
	// sentAtOnce is how much of a request is collected before it is given to the transport.
	sentAtOnce = 16 << 10
	// sentFirst is the largest body that is sent before anybody listens for an answer.
	sentFirst = 32 << 10
	// readElsewhere is how much of a body that may block is read at a time.
	readElsewhere = 128 << 10
	// continueTime is how long a client waits for 100 Continue before it sends its body all the
	// same.
	continueTime = time.Second
	// sendingTime is how long a connection waits for the rest of a request when the answer is
	// complete.
	sendingTime = 50 * time.Millisecond
)

var (
	errAnswered     = errors.New("aiohttp: the server has answered before it had the body")
	errSendingEnded = errors.New("aiohttp: the request was not sent to its end")
	nopCloser       = reflect.TypeOf(io.NopCloser(nil))
	nopCloserTo     = reflect.TypeOf(io.NopCloser(struct {
		io.Reader
		io.WriterTo
	}{}))
)

// outgoing is a request that is being sent on a connection. net/http writes it, in the task that
// asks if it has no large body, and else in a task of its own, while the first one listens: a
// server may answer before it has all.
type outgoing struct {
	c     *clientConn
	req   http.Request
	body  *sentBody       // nil: none
	ctx   context.Context // of the task that sends
	extra string          // fields to be put at the end of the head
	out   []byte          // what was not given to the transport
	piece *[pieceSize]byte
	task  *aio.Task[aio.None] // that sends, if it is not the one that asks

	begun    bool          // send was called
	headed   bool          // the head is complete in out, or gone
	wrote    bool          // something was given to the transport
	answered bool          // the head of the final answer is there
	closes   bool          // after that the connection is not used again
	goOn     aiosync.Event // answered, or 100 Continue came
	over     aiosync.Event // sent
	sent     bool          // to its end, or with err
	err      error
	torn     error // err, if it is no fault of the connection
}

// newOutgoing begins to send req, whose task goes on to listen.
func newOutgoing(ctx context.Context, c *clientConn, req *http.Request, extra string) *outgoing {
	o := &outgoing{c: c, req: *req, extra: extra}
	if req.Body != nil && req.Body != http.NoBody {
		o.body = &sentBody{o: o, body: req.Body, expects: expectsContinue(req)}
		switch r := inMemoryReader(req.Body).(type) {
		case *upload:
			o.body.reader = taskUpload{r}
		case nil:
		default:
			o.body.reader, o.body.here = r, true
		}
		o.req.Body = o.body
		unknown := req.ContentLength <= 0
		if !o.body.here || o.body.expects || unknown || req.ContentLength > sentFirst {
			o.task = aio.Start(ctx, func(ctx context.Context) error {
				o.send(ctx)
				return nil
			}, aio.Name("body of "+requestName(req)))
			return o
		}
	}
	o.send(ctx)
	return o
}

// inMemoryReader returns the reader of a body that never blocks, or an upload; nil for any other.
func inMemoryReader(body io.Reader) io.Reader {
	switch r := body.(type) {
	case *bytes.Reader, *bytes.Buffer, *strings.Reader, *upload:
		return r
	}
	if t := reflect.TypeOf(body); t == nopCloser || t == nopCloserTo {
		if r, ok := reflect.ValueOf(body).Field(0).Interface().(io.Reader); ok {
			return inMemoryReader(r)
		}
	}
	return nil
}

func expectsContinue(req *http.Request) bool {
	return req.ProtoAtLeast(1, 1) && hasToken(req.Header.Get("Expect"), "100-continue")
}

// send has net/http write the request.
func (o *outgoing) send(ctx context.Context) {
	o.ctx, o.begun = ctx, true
	o.err = errSendingEnded // if its task is being ended, or the body panics
	defer func() {
		o.sent = true
		if o.err != nil && !o.answered && o.c.cannotWrite() == nil {
			o.tear() // the server would wait for the rest, and who listens for the server
		}
		o.dropPiece()
		o.over.Set()
	}()
	unknown := o.req.ContentLength == 0 && len(o.req.TransferEncoding) == 0
	if b := o.body; b != nil && unknown && usuallyLacksBody(o.req.Method) {
		if err := b.probe(); err != nil {
			o.err = err
			return
		}
	}
	err := o.req.Write(o)
	switch {
	case err == nil:
		err = o.flush()
	case o.body != nil && o.body.failed != nil:
		err = o.body.failed // which Request.Write has wrapped for net/http alone
	}
	o.err = err
}

// tear ends a connection on which a request has come to no end, for another reason than its own.
func (o *outgoing) tear() {
	o.torn = o.err
	if o.headed {
		o.c.t.Write(o.out)
	}
	o.c.finish()
	o.c.reader.Unpark()
}

// usuallyLacksBody is the rule of net/http for methods whose bodies of unknown length may be none.
func usuallyLacksBody(method string) bool {
	switch method {
	case "", "GET", "HEAD", "DELETE", "OPTIONS", "PROPFIND", "SEARCH":
		return true
	}
	return false
}

// Write implements io.Writer for net/http.
func (o *outgoing) Write(p []byte) (int, error) {
	if o.headed && len(p) >= sentAtOnce {
		if err := o.flush(); err != nil {
			return 0, err
		}
		o.wrote = true
		return len(p), o.c.write(o.ctx, p)
	}
	o.room(len(p))
	o.out = append(o.out, p...)
	return len(p), o.added()
}

// WriteString implements io.StringWriter for net/http.
func (o *outgoing) WriteString(s string) (int, error) {
	o.room(len(s))
	o.out = append(o.out, s...)
	return len(s), o.added()
}

// WriteByte implements io.ByteWriter, without which net/http would put a buffer in between.
func (o *outgoing) WriteByte(b byte) error {
	o.room(1)
	o.out = append(o.out, b)
	return o.added()
}

// room sees to it that a piece from the pool is used, unless the head is too long.
func (o *outgoing) room(n int) {
	if o.piece == nil && len(o.out) == 0 && n <= pieceSize {
		o.piece = pieces.Get().(*[pieceSize]byte)
		o.out = o.piece[:0]
	}
}

func (o *outgoing) added() error {
	if !o.headed {
		if !bytes.HasSuffix(o.out, []byte("\r\n\r\n")) {
			return nil
		}
		o.headed = true
		if o.extra != "" {
			o.out = append(append(o.out[:len(o.out)-2], o.extra...), "\r\n"...)
		}
		return nil
	}
	if len(o.out) >= sentAtOnce {
		return o.flush()
	}
	return nil
}

// flush gives what was collected to the transport.
func (o *outgoing) flush() error {
	if len(o.out) == 0 {
		return nil
	}
	out := o.out
	o.out = o.out[:0]
	if err := o.c.cannotWrite(); err != nil {
		return err
	}
	o.wrote = true
	return o.c.write(o.ctx, out)
}

func (o *outgoing) dropPiece() {
	if o.piece != nil {
		pieces.Put(o.piece)
		o.piece = nil
	}
	o.out = nil
}

// answer is called when the head of the final answer is there.
func (o *outgoing) answer(closes bool) {
	o.answered, o.closes = true, closes
	o.goOn.Set()
}

// stop ends sending.
func (o *outgoing) stop() {
	if o.sent || o.task == nil {
		return
	}
	o.task.Cancel(errSendingEnded)
	if !o.begun { // a task that is cancelled before it has begun does nothing at all
		o.sent, o.err = true, errSendingEnded
		o.body.closed = true
		o.body.body.Close()
		o.over.Set()
	}
}

// settle waits a moment for the rest of a request whose answer is complete. It reports whether all
// has gone.
func (o *outgoing) settle(ctx context.Context) bool {
	switch {
	case o.sent:
	case o.body != nil && o.body.reader == nil: // it ends elsewhere
		ctx, end := o.c.of.patience(ctx, sendingTime)
		_ = o.over.Wait(ctx)
		end()
	default: // the server has all, or has not waited for it
		for i := 0; i < 3 && !o.sent; i++ {
			_ = aio.Yield(ctx)
		}
	}
	return o.sent && o.err == nil
}

// sentBody is the body of a request as net/http reads it, in the task that sends.
type sentBody struct {
	o       *outgoing
	body    io.ReadCloser
	reader  io.Reader // what a task may read; nil: it may block
	here    bool      // it is in memory
	expects bool      // 100 Continue
	buf     []byte    // for reads elsewhere
	rest    []byte    // of buf, read ahead
	restErr error     // after rest
	first   []byte    // read ahead
	failed  error     // of a read; nil: none has failed
	closed  bool
}

// probe finds out whether there is a body: net/http would do that on a goroutine.
func (b *sentBody) probe() error {
	p := make([]byte, 1)
	n, err := b.read(p)
	switch {
	case n > 0:
		b.first = p
		b.o.req.TransferEncoding = []string{"chunked"}
	case err == io.EOF:
		b.Close()
		b.o.req.Body, b.o.req.ContentLength = nil, 0
	case err != nil:
		b.Close()
		return err
	}
	return nil
}

// Read implements io.Reader.
func (b *sentBody) Read(p []byte) (n int, err error) {
	defer func() {
		if err != nil && err != io.EOF {
			b.failed = err
		}
	}()
	o := b.o
	if b.expects {
		b.expects = false
		if err := o.flush(); err != nil {
			return 0, err
		}
		ctx, end := o.c.of.patience(o.ctx, continueTime)
		_ = o.goOn.Wait(ctx)
		end()
		if o.answered && o.closes { // else the server reads the body before the next request
			return 0, errAnswered
		}
	}
	if !b.here && len(b.rest) == 0 { // the next piece may take its time
		if err := o.flush(); err != nil {
			return 0, err
		}
	}
	if len(b.first) > 0 {
		n := copy(p, b.first)
		b.first = nil
		return n, nil
	}
	return b.read(p)
}

func (b *sentBody) read(p []byte) (int, error) {
	if b.reader != nil {
		return b.reader.Read(p)
	}
	if len(b.rest) > 0 {
		n := copy(p, b.rest)
		if b.rest = b.rest[n:]; len(b.rest) > 0 {
			return n, nil
		}
		return n, b.restErr
	}
	if len(b.buf) < len(p) {
		b.buf = make([]byte, len(p))
	}
	buf := b.buf
	x, err := aio.ToThread(b.o.ctx, func(context.Context) (got, error) {
		n, err := b.body.Read(buf)
		return got{n, err}, nil
	}, unbounded)
	if err != nil {
		b.buf = nil // the goroutine may still write into it
		return 0, err
	}
	if x.n < 0 || x.n > len(buf) {
		return 0, fmt.Errorf("aiohttp: the body of the request (%s) "+
			"says that it has read %d bytes into %d", bodyType(b.body), x.n, len(buf))
	}
	if x.n == len(buf) && len(buf) < readElsewhere { // more goes with one change of goroutines
		b.buf = make([]byte, readElsewhere)
	}
	n := copy(p, buf[:x.n])
	if b.rest, b.restErr = buf[n:x.n], x.err; len(b.rest) > 0 {
		return n, nil
	}
	return n, x.err
}

// bodyType names the type of a body, without what http.NewRequest has put around it.
func bodyType(body io.Reader) string {
	if t := reflect.TypeOf(body); t == nopCloser || t == nopCloserTo {
		return reflect.ValueOf(body).Field(0).Elem().Type().String()
	}
	return reflect.TypeOf(body).String()
}

// Close implements io.Closer.
func (b *sentBody) Close() error {
	if b.closed {
		return nil
	}
	b.closed = true
	if b.reader != nil {
		return b.body.Close()
	}
	return aio.Blocking(context.WithoutCancel(b.o.ctx), func(context.Context) error {
		return b.body.Close()
	}, unbounded)
}
