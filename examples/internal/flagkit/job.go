package flagkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
)

// Status is the outcome of a code.
type Status string

// The statuses.
const (
	NotDone  Status = ""
	OK       Status = "ok"
	NotFound Status = "not found"
	Failed   Status = "error"
)

// Result is the result for a code.
type Result struct {
	Code   string
	Status Status
	File   string        // its name in the folder, if the status is OK
	Err    error         // why there is none
	Took   time.Duration // its requests, without the time in which they waited for their turn
}

// Job is one run of a program. It belongs to the loop, so that its counts need no lock.
type Job struct {
	*Options
	Results []*Result // one for each code, in order
	AtOnce  int       // the most requests that were under way at the same time

	fetch Fetch
	save  Save
	now   int // requests under way
	out   io.Writer
	named bool // Announce has begun a line
}

func newJob(o *Options, out io.Writer) *Job {
	job := &Job{Options: o, out: out}
	for _, code := range o.Codes {
		job.Results = append(job.Results, &Result{Code: code})
	}
	return job
}

// Get fetches a path for r, and gives up after the time-out.
func (job *Job) Get(ctx context.Context, r *Result, path string) ([]byte, error) {
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	job.now++
	job.AtOnce = max(job.AtOnce, job.now)
	defer func() {
		job.now--
		r.Took += clock.Time().Sub(began)
	}()
	return aio.WaitFor(ctx, job.Timeout, func(ctx context.Context) ([]byte, error) {
		return job.fetch(ctx, path)
	})
}

// Save writes a file of the folder.
func (job *Job) Save(ctx context.Context, name string, data []byte) error {
	return job.save(ctx, name, data)
}

// One downloads the flag of r.Code and returns the name of its file.
type One = func(ctx context.Context, job *Job, r *Result) (file string, err error)

// Do downloads a flag with one and keeps what came of it. Its own error is only that of a run that
// was cancelled.
func (job *Job) Do(ctx context.Context, r *Result, one One) error {
	file, err := one(ctx, job, r)
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	r.File, r.Err = file, err
	answer, isAnswer := errors.AsType[*StatusError](err)
	switch {
	case err == nil:
		r.Status = OK
	case isAnswer && answer.Code == http.StatusNotFound:
		r.Status = NotFound
	default:
		r.Status = Failed
	}
	if job.Verbose && !job.JSON {
		fmt.Fprintln(job.out, r)
	}
	return nil
}

// Announce names a code that is done, in a line of such names.
func (job *Job) Announce(r *Result) {
	if job.Verbose || job.JSON || r.Status != OK {
		return
	}
	job.named = true
	fmt.Fprint(job.out, r.Code, " ")
}

// String is the line about a code.
func (r *Result) String() string {
	text := fmt.Sprintf("%s  %4.2f s  %s", r.Code, r.Took.Seconds(), r.Status)
	switch r.Status {
	case OK:
		text += "  " + cli.Printable(r.File)
	case Failed:
		text += ": " + r.reason()
	}
	return text
}

// reason says why there is no file.
func (r *Result) reason() string {
	if late, ok := errors.AsType[*aio.TimeoutError](r.Err); ok {
		return fmt.Sprintf("no answer within %v", late.After)
	}
	return cli.Line(r.Err)
}

// Counts are the results in numbers. The four add up to the codes that were asked for.
type Counts struct{ OK, NotFound, Failed, NotDone int }

// Count counts the results.
func (job *Job) Count() Counts {
	var c Counts
	for _, r := range job.Results {
		switch r.Status {
		case OK:
			c.OK++
		case NotFound:
			c.NotFound++
		case Failed:
			c.Failed++
		default:
			c.NotDone++
		}
	}
	return c
}

// summary is the text at the end.
func (job *Job) summary(took time.Duration) string {
	var b strings.Builder
	c := job.Count()
	if job.named {
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "%d of %d flags downloaded in %.2f s, up to %s at the same time\n",
		c.OK, len(job.Results), took.Seconds(), cli.Count(job.AtOnce, "request"))
	for _, s := range []struct {
		status Status
		label  string
		n      int
	}{{NotFound, "not found", c.NotFound}, {Failed, "error", c.Failed},
		{NotDone, "not done", c.NotDone}} {
		if s.n == 0 {
			continue
		}
		fmt.Fprintf(&b, "  %-9s %4d  ", s.label, s.n)
		for _, r := range job.Results {
			if r.Status == s.status {
				b.WriteString(" " + r.Code)
			}
		}
		b.WriteString("\n")
	}
	if why := job.reasons(); why != "" {
		b.WriteString("\n" + why)
	}
	return b.String()
}

// reasons lists why downloads failed, each reason once.
func (job *Job) reasons() string {
	var order []string
	byReason := map[string]int{}
	for _, r := range job.Results {
		if r.Status != Failed {
			continue
		}
		why := r.reason()
		if byReason[why] == 0 {
			order = append(order, why)
		}
		byReason[why]++
	}
	var b strings.Builder
	for _, why := range order {
		fmt.Fprintf(&b, "  %4d x %s\n", byReason[why], why)
	}
	return b.String()
}
