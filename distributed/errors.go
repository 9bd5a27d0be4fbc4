package distributed

import (
	"encoding/gob"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrClosed is returned by calls of a client that is closed, and by those that Close ends.
	ErrClosed = errors.New("distributed: the client is closed")
	// ErrCancelled is the outcome of a job that was cancelled by [Handle.Cancel] or by the task
	// that waited for it.
	ErrCancelled = errors.New("distributed: the job was cancelled")
	// ErrUnavailable is wrapped by errors of a broker that does not answer, or has no JetStream.
	ErrUnavailable = errors.New("distributed: the broker is not available")
	// ErrStorage is wrapped by errors of a broker whose store is full.
	ErrStorage = errors.New("distributed: the broker cannot store more")
	// ErrTooLarge is wrapped by errors of arguments and results above [MaxPayload].
	ErrTooLarge = errors.New("distributed: the payload is too large")
	// ErrUnknownJob is returned for an ID of which the broker has no outcome any more.
	ErrUnknownJob = errors.New("distributed: the broker knows no outcome of this job")
)

// errConflict says that a record has changed since it was loaded: another run, or a cancellation,
// has decided the outcome.
var errConflict = errors.New("distributed: the outcome is decided")

// Failure is a run of a job that failed or was lost.
type Failure struct {
	Attempt int       // 1 is the first
	Worker  string    // the worker's name
	At      time.Time // when it ended, by the worker's clock
	Error   string    // the text of the error, in one line; "" if the worker was lost
}

// FailedError is the outcome of a job without a further attempt. It wraps the error of the last
// run, an executor.RemoteError.
type FailedError struct {
	ID       string
	Name     string    // of the function
	Failures []Failure // the last 100

	err error
}

// Error names the function, the number of attempts and the last error.
func (e *FailedError) Error() string {
	last := "its worker was lost each time"
	if e.err != nil {
		last = e.err.Error()
	}
	attempts := len(e.Failures)
	if attempts > 0 {
		attempts = e.Failures[attempts-1].Attempt
	}
	return fmt.Sprintf("distributed: the job %s failed after %d attempts: %s",
		e.ID, attempts, last)
}

// Unwrap returns the error of the last run, nil if the workers were lost.
func (e *FailedError) Unwrap() error { return e.err }

// Permanent marks an error of a function: another attempt would fail in the same way. It returns
// nil for nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanent{Text: err.Error(), err: err}
}

// permanent goes through gob, so that it is found in the error of a worker process.
type permanent struct {
	Text string
	err  error
}

func init() { gob.Register(permanent{}) }

func (p permanent) Error() string { return p.Text }
func (p permanent) Unwrap() error { return p.err }

// isPermanent reports whether no further attempt can succeed.
func isPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
