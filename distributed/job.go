package distributed

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio/executor"
	"github.com/aio-go/aio/internal/safetext"
	"github.com/nats-io/nats.go"
)

// Priority is the line in which a job waits.
type Priority uint8

const (
	Normal Priority = iota
	High
	Low
)

// priorities are in the order in which workers look.
var priorities = [...]Priority{High, Normal, Low}

// String returns "high", "normal" or "low".
func (p Priority) String() string { return [...]string{"normal", "high", "low"}[p] }

// envelope is a job on its way to a worker. Its header has all but the argument.
type envelope struct {
	executor.Job          // ID is the whole ID, OWNER.TOKEN; the deadline is by the broker's clock
	priority     Priority // the line
	due          time.Time
	attempts     int      // at most
	then         []string // functions that get the result, one after the other
	step         int      // how many of them are done
	object       bool     // the argument is in the store for large payloads
	progress     bool     // the submitter wants the reports
	again        bool     // it was dead: there is a record of it
	header       Header   // fields of Inject
}

// The fields of a job's header.
const (
	fieldID       = "Aio-Id"
	fieldName     = "Aio-Name"
	fieldAttempts = "Aio-Attempts"
	fieldDeadline = "Aio-Deadline"
	fieldThen     = "Aio-Then"
	fieldStep     = "Aio-Step"
	fieldObject   = "Aio-Object"
	fieldProgress = "Aio-Progress"
	fieldAgain    = "Aio-Again"
	fieldPriority = "Aio-Priority"
	fieldAttempt  = "Aio-Attempt" // of a report
	fieldFailures = "Aio-Failures"
)

// message returns the job as a message for its line.
func (e *envelope) message(n names) *nats.Msg {
	m := nats.NewMsg(n.queue(e.priority))
	for k, v := range e.header {
		m.Header[k] = v
	}
	m.Header.Set(fieldID, e.ID)
	m.Header.Set(fieldName, e.Name)
	m.Header.Set(fieldAttempts, strconv.Itoa(e.attempts))
	m.Header.Set(nats.MsgIdHdr, e.ID+"/"+strconv.Itoa(e.step))
	if e.priority != Normal {
		m.Header.Set(fieldPriority, e.priority.String())
	}
	if !e.Deadline.IsZero() {
		m.Header.Set(fieldDeadline, strconv.FormatInt(e.Deadline.UnixNano(), 10))
	}
	if len(e.then) > 0 {
		m.Header.Set(fieldThen, strings.Join(e.then, "\x1f"))
	}
	if e.step > 0 {
		m.Header.Set(fieldStep, strconv.Itoa(e.step))
	}
	if e.object {
		m.Header.Set(fieldObject, "1")
	}
	if e.progress {
		m.Header.Set(fieldProgress, "1")
	}
	if e.again {
		m.Header.Set(fieldAgain, "1")
	}
	if !e.due.IsZero() {
		m.Header.Set("Nats-Schedule", "@at "+e.due.UTC().Format(time.RFC3339Nano))
		m.Header.Set("Nats-Schedule-Target", m.Subject)
		m.Subject = n.later(e.ID[strings.IndexByte(e.ID, '.')+1:])
	}
	m.Data = e.Args
	return m
}

// parse undoes message.
func parse(h Header, data []byte) (envelope, error) {
	e := envelope{header: h, object: h.Get(fieldObject) != "", progress: h.Get(fieldProgress) != "",
		again: h.Get(fieldAgain) != ""}
	e.ID, e.Name, e.Args = h.Get(fieldID), h.Get(fieldName), data
	number := func(field string) int64 {
		n, _ := strconv.ParseInt(h.Get(field), 10, 64)
		return n
	}
	e.attempts, e.step = int(number(fieldAttempts)), int(number(fieldStep))
	for _, p := range priorities {
		if h.Get(fieldPriority) == p.String() {
			e.priority = p
		}
	}
	if ns := number(fieldDeadline); ns != 0 {
		e.Deadline = time.Unix(0, ns)
	}
	if then := h.Get(fieldThen); then != "" {
		e.then = strings.Split(then, "\x1f")
	}
	if !validID(e.ID) || e.Name == "" || e.attempts < 1 || e.step < 0 || e.step > len(e.then) {
		return e, fmt.Errorf(
			"distributed: a message that is no job of this program, %d bytes", len(data))
	}
	return e, nil
}

// record is what the bucket of outcomes has of a job. The first byte of its encoding is the state:
//
//	state       who writes it              then
//	retrying    a worker, after a failure  any other
//	done        a worker                   - (the number of reports and the result follow)
//	stored      a worker                   - (done; the result is in the store)
//	failed      a worker                   retrying, by Retry
//	cancelled   the submitter              -
//
// Each write names the revision that it replaces, so one of two runs decides the outcome.
type record struct {
	state  state
	result []byte

	Step     int       `json:",omitempty"` // of a chain: what follows is of this function
	Reports  int       `json:",omitempty"` // of the function in its last run
	Failures []Failure `json:",omitempty"`
	Returned int       `json:",omitempty"` // deliveries that were handed back
	Error    []byte    `json:",omitempty"` // of the last run, by executor.EncodeError
	Name     string    `json:",omitempty"`
	Passed   *passed   `json:",omitempty"` // by workers that do not have the function; nil: by none
}

type state byte

const (
	retrying  state = 'R'
	done      state = 'D'
	stored    state = 'S'
	failed    state = 'F'
	cancelled state = 'C'
)

// over reports whether the job has an outcome.
func (r *record) over() bool { return r.state != 0 && r.state != retrying }

// A record has to fit into a message even after many attempts with long errors.
const (
	maxFailures  = 100
	maxErrorSize = 64 << 10
)

// addFailure adds a failure; of too many the oldest go.
func (r *record) addFailure(f Failure) {
	if n := len(r.Failures) + 1 - maxFailures; n > 0 {
		r.Failures = slices.Delete(r.Failures, 0, n)
	}
	r.Failures = append(r.Failures, f)
}

// lastAttempt returns the number of the last attempt that has failed, 0 if none has.
func (r *record) lastAttempt() int {
	if len(r.Failures) == 0 {
		return 0
	}
	return r.Failures[len(r.Failures)-1].Attempt
}

// setError keeps the error of a run, or of a large one the kind and a part of its text.
func (r *record) setError(err error) {
	if r.Error = executor.EncodeError(err); len(r.Error) > maxErrorSize {
		r.Error = executor.EncodeError(shortened{err})
	}
}

type shortened struct{ err error }

func (s shortened) Error() string { return safetext.Error(s.err) }
func (s shortened) Unwrap() error { return s.err }

func (r *record) encode() []byte {
	if r.state == done {
		return append(binary.AppendUvarint([]byte{byte(done)}, uint64(r.Reports)), r.result...)
	}
	text, err := json.Marshal(r)
	if err != nil { // numbers, times and strings can be encoded
		panic(err)
	}
	return append([]byte{byte(r.state)}, text...)
}

func decodeRecord(data []byte) (record, error) {
	var r record
	if len(data) == 0 {
		return r, errors.New("distributed: an outcome is empty")
	}
	switch r.state = state(data[0]); r.state {
	case done:
		n, size := binary.Uvarint(data[1:])
		if size <= 0 {
			return r, errors.New("distributed: an outcome is cut off")
		}
		r.Reports, r.result = int(n), data[1+size:]
		return r, nil
	case retrying, stored, failed, cancelled:
		if err := json.Unmarshal(data[1:], &r); err != nil {
			return r, fmt.Errorf("distributed: an outcome cannot be read: %w", err)
		}
		return r, nil
	}
	return r, fmt.Errorf("distributed: an outcome is in state %q", data[0])
}

// outcome returns what the submitter gets.
func (r *record) outcome(id string) ([]byte, error) {
	switch r.state {
	case done:
		return r.result, nil
	case cancelled:
		return nil, ErrCancelled
	}
	e := &FailedError{ID: id, Name: r.Name, Failures: r.Failures}
	if len(r.Error) > 0 {
		e.err = executor.DecodeError(r.Name, r.Error)
	}
	return nil, e
}
