package executor

import (
	"context"
	"errors"

	"github.com/aio-go/aio"
)

type jobKey struct{}

// Current returns the job of a function: its ID, the attempt, the deadline. It reports false
// outside of a function. Any goroutine.
func Current(ctx context.Context) (Job, bool) {
	job, ok := ctx.Value(jobKey{}).(Job)
	return job, ok
}

// Progress sends a value to the caller of the function that got ctx, if that uses [OnProgress]. It
// may block until the value is on its way. It returns an error if v cannot be encoded, or outside
// of a function. Call it on the function's goroutine, or on another one before the function
// returns.
func Progress[P any](ctx context.Context, v P) error {
	job, ok := Current(ctx)
	switch {
	case !ok:
		return errors.New("executor: Progress: the context is not that of a registered function")
	case job.Progress == nil:
		return nil
	}
	data, err := encode(v)
	if err != nil {
		return err
	}
	job.Progress(data)
	return nil
}

// DecodeProgress decodes what an executor gets as a report of a function. P must be the type that
// the function uses. Any goroutine.
func DecodeProgress[P any](report []byte) (P, error) { return decode[P](report) }

// OnProgress calls fn on the loop with each value that the function reports by [Progress], in
// order. P must be the type that the function uses; a value of another type is reported to the
// loop's exception handler. fn must not await. Default: reports are dropped.
func OnProgress[P any](fn func(v P)) CallOption {
	return func(s *settings) {
		s.progress = func(l *aio.Loop, report []byte) {
			v, err := decode[P](report)
			if err != nil {
				l.CallExceptionHandler(aio.Report{
					Message: "executor: progress of another type than OnProgress expects",
					Err:     err,
				})
				return
			}
			fn(v)
		}
	}
}
