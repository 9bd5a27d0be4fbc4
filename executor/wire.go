package executor

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/aio-go/aio/stream"
)

// Parent and worker exchange frames: a length of four bytes, a byte for the kind, and
//
//	kind      from     then
//	welcome   parent   the token, the largest frame; once, before anything else
//	hello     worker   the version of the protocol; once, when the worker is ready
//	job       parent   ID, name, attempt, time left in ns or 0, whether to report, the argument
//	started   worker   nothing; when it begins a job
//	progress  worker   a report of the function
//	result    worker   the result
//	failure   worker   the function's error: which known errors it matches, text, value
//	ask       worker   an ID, an operation, the name of a shared object, an item
//	reply     parent   the ID, which of the answers, an item
//	settle    worker   the ID, 1 if what was got is done with, 0 if it goes back
//
// Numbers are varints, texts have their length in front, the last part goes to the end of the
// frame. There is one job at a time. When the parent closes the connection the worker ends.
const (
	helloFrame byte = iota + 1
	jobFrame
	startedFrame
	progressFrame
	resultFrame
	failureFrame
	welcomeFrame
	askFrame
	replyFrame
	settleFrame
)

const (
	// protocol is the version of these frames, and of known.
	protocol = 2
	// defaultMessage is the default of MaxMessage, in bytes.
	defaultMessage = 64 << 20
	// mostMessage is the largest MaxMessage.
	mostMessage = 1 << 30
	// leastMessage has room for any error of this package.
	leastMessage = 1 << 10
	// jobOverhead is more bytes than a job's numbers take.
	jobOverhead = 64
	// maxWelcome is more than a welcome needs.
	maxWelcome = 100

	framePrefix = stream.Prefix32
)

var (
	// errFrame is returned for a malformed frame.
	errFrame = errors.New("executor: a malformed message between parent and worker")
	// errTooLarge is returned for a frame that is larger than allowed.
	errTooLarge = errors.New("executor: a message that is larger than the pool's MaxMessage")
	// errStranger ends a worker that was not started by a pool.
	errStranger = errors.New("the other end does not know the token; " +
		"only a pool can start a worker")
)

func appendText(to []byte, s string) []byte {
	return append(binary.AppendUvarint(to, uint64(len(s))), s...)
}

// parts takes a frame apart. After an error it returns zero values.
type parts struct {
	rest []byte
	err  error
}

func (p *parts) number() uint64 {
	n, size := binary.Uvarint(p.rest)
	if size <= 0 {
		p.rest, p.err = nil, errFrame
		return 0
	}
	p.rest = p.rest[size:]
	return n
}

func (p *parts) text() string {
	n := p.number()
	if n > uint64(len(p.rest)) {
		p.rest, p.err = nil, errFrame
		return ""
	}
	s := string(p.rest[:n])
	p.rest = p.rest[n:]
	return s
}

// appendWelcome appends the body of a welcome frame, kind included.
func appendWelcome(to []byte, token string, max int) []byte {
	return binary.AppendUvarint(appendText(append(to, welcomeFrame), token), uint64(max))
}

// parseWelcome checks the body of a welcome frame, kind included, and returns the largest frame.
func parseWelcome(body []byte, token string) (max int, err error) {
	if len(body) == 0 || body[0] != welcomeFrame {
		return 0, errStranger
	}
	p := parts{rest: body[1:]}
	got, n := p.text(), p.number()
	switch {
	case p.err != nil:
		return 0, p.err
	case len(token) != tokenSize || subtle.ConstantTimeCompare([]byte(got), []byte(token)) != 1:
		return 0, errStranger
	case n < leastMessage || n > mostMessage:
		return 0, errFrame
	}
	return int(n), nil
}

// appendHello appends the body of a hello frame, kind included.
func appendHello(to []byte) []byte { return binary.AppendUvarint(append(to, helloFrame), protocol) }

// appendJob appends the body of a job frame. left is the time until the deadline, 0 if there is
// none.
func appendJob(to []byte, job Job, left time.Duration) []byte {
	to = append(to, jobFrame)
	to = appendText(to, job.ID)
	to = appendText(to, job.Name)
	to = binary.AppendUvarint(to, uint64(job.Attempt))
	to = binary.AppendUvarint(to, uint64(left))
	listens := byte(0)
	if job.Progress != nil {
		listens = 1
	}
	return append(append(to, listens), job.Args...)
}

// parseJob reads what appendJob wrote after the kind.
func parseJob(body []byte) (job Job, left time.Duration, listens bool, err error) {
	p := parts{rest: body}
	job.ID, job.Name = p.text(), p.text()
	attempt, ns, flag := p.number(), p.number(), p.number()
	if p.err == nil && (attempt > math.MaxInt32 || ns > math.MaxInt64 || flag > 1) {
		p.err = errFrame
	}
	if p.err != nil {
		return Job{}, 0, false, p.err
	}
	job.Attempt, job.Args = int(attempt), p.rest
	return job, time.Duration(ns), flag == 1, nil
}

// appendFailure appends the body of a failure frame.
func appendFailure(to []byte, err error) []byte {
	like, text, value := packError(err)
	to = binary.AppendUvarint(append(to, failureFrame), like)
	return append(appendText(to, text), value...)
}

// parseFailure reads what appendFailure wrote after the kind.
func parseFailure(name string, body []byte) error {
	p := parts{rest: body}
	like, text := p.number(), p.text()
	if p.err != nil {
		return p.err
	}
	return unpackError(name, like, text, p.rest)
}

// receive waits for a frame of a worker, of at most max bytes. It allocates memory for received
// bytes, not for announced ones.
func receive(
	ctx context.Context, from *stream.Reader, max int,
) (kind byte, body []byte, err error) {
	prefix, err := from.ReadExactly(ctx, 4)
	if err != nil {
		return 0, nil, err
	}
	n := binary.BigEndian.Uint32(prefix)
	switch {
	case n == 0:
		return 0, nil, errFrame
	case uint64(n) > uint64(max):
		return 0, nil, fmt.Errorf("%w: %d bytes, at most %d", errTooLarge, n, max)
	}
	frame, err := from.ReadExactly(ctx, int(n))
	if err != nil {
		return 0, nil, err
	}
	return frame[0], frame[1:], nil
}

// appendAsk appends the body of an ask frame.
func appendAsk(to []byte, id uint64, r request) []byte {
	to = binary.AppendUvarint(append(to, askFrame), id)
	to = binary.AppendUvarint(to, uint64(r.op))
	return append(appendText(to, r.name), r.data...)
}

// parseAsk reads what appendAsk wrote after the kind.
func parseAsk(body []byte) (id uint64, r request, err error) {
	p := parts{rest: body}
	id = p.number()
	o := p.number()
	r.name = p.text()
	if p.err == nil && (o == 0 || o > uint64(lastOp)) {
		p.err = errFrame
	}
	r.op, r.data = op(o), p.rest
	return id, r, p.err
}

// appendReply appends the body of a reply frame.
func appendReply(to []byte, id uint64, reply []byte, err error) []byte {
	code := slices.Index(answers, err)
	if code < 0 {
		code = slices.Index(answers, ErrClosed) // the loop of a pipe has gone
	}
	to = binary.AppendUvarint(append(to, replyFrame), id)
	return append(binary.AppendUvarint(to, uint64(code)), reply...)
}

// parseReply reads what appendReply wrote after the kind.
func parseReply(body []byte) (id uint64, r reply, err error) {
	p := parts{rest: body}
	id = p.number()
	code := p.number()
	if p.err != nil || code >= uint64(len(answers)) {
		return 0, reply{}, errFrame
	}
	return id, reply{p.rest, answers[code]}, nil
}

// appendSettle appends the body of a settle frame.
func appendSettle(to []byte, id uint64, done bool) []byte {
	to = binary.AppendUvarint(append(to, settleFrame), id)
	if done {
		return append(to, 1)
	}
	return append(to, 0)
}

// parseSettle reads what appendSettle wrote after the kind.
func parseSettle(body []byte) (id uint64, done bool, err error) {
	p := parts{rest: body}
	id, flag := p.number(), p.number()
	if p.err != nil || flag > 1 || len(p.rest) > 0 {
		return 0, false, errFrame
	}
	return id, flag == 1, nil
}

// answer reads the frames of a worker for a job, up to its result. started says whether the job has
// begun. asked gets the frames that are about shared objects. The error is a *RemoteError if the
// worker has done its part.
func answer(
	job Job, next func() (kind byte, body []byte, err error),
	asked func(kind byte, body []byte) error,
) (result []byte, started bool, err error) {
	for {
		kind, body, err := next()
		switch {
		case err != nil:
			return nil, started, err
		case kind == startedFrame && !started:
			started = true
		case kind == resultFrame && started:
			return body, started, nil
		case kind == failureFrame && started:
			return nil, started, parseFailure(job.Name, body)
		case kind == progressFrame && started:
			if job.Progress != nil {
				job.Progress(body)
			}
		case (kind == askFrame || kind == settleFrame) && started:
			if err := asked(kind, body); err != nil {
				return nil, started, err
			}
		default:
			return nil, started, errFrame
		}
	}
}
