package executor

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"github.com/aio-go/aio/stream"
)

// Parent and worker exchange frames: a length of four bytes, a byte that says what it is, and
//
//	kind      from     then
//	hello     worker   the version of the protocol; once, when the worker is ready
//	job       parent   ID, name, attempt, time left in ns or 0, whether somebody listens, the argument
//	started   worker   nothing; when it begins with a job
//	progress  worker   what the function reports
//	result    worker   the result
//	failure   worker   which known errors it is, text, value: the error of the function
//
// Numbers are varints, texts have their length in front, the last part goes to the end of the frame. There
// is one job at a time. When the parent closes the connection the worker ends.
const (
	helloFrame byte = iota + 1
	jobFrame
	startedFrame
	progressFrame
	resultFrame
	failureFrame
)

const (
	// protocol is the version of the above, and of known.
	protocol = 1
	// maxFrame is the largest frame that is sent or accepted, bytes.
	maxFrame = 512 << 20

	framePrefix = stream.Prefix32
)

// errFrame is returned for a frame that makes no sense.
var errFrame = errors.New("executor: a malformed message between parent and worker")

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

// appendHello appends the body of a hello frame, kind included.
func appendHello(to []byte) []byte { return binary.AppendUvarint(append(to, helloFrame), protocol) }

// appendJob appends the body of a job frame. left is the time until the deadline, 0 if there is none.
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
