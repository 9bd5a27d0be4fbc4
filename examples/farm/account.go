package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/executor"
)

// marks is where a worker writes down what it has done.
var marks io.Writer = io.Discard

// mark is a job of the account.
type mark struct {
	Number int
	Pause  time.Duration
}

// leaveMark is a job whose effect can be counted: a line in the worker's file. A line that was
// written stays, even if the worker is killed at once.
var leaveMark = executor.Register("farm.mark", func(ctx context.Context, m mark) (int, error) {
	select {
	case <-time.After(m.Pause):
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	_, err := fmt.Fprintf(marks, "%d\n", m.Number)
	return m.Number, err
})

// submit hands all jobs to the broker and waits for their outcomes. Each job has a key, so a second
// submitter after the first was killed submits the same jobs.
func submit(ctx context.Context, s settings) error {
	c, err := connect(ctx, s.submit)
	if err != nil {
		return err
	}
	defer c.Close()
	numbers := make([]int, s.jobs)
	for i := range numbers {
		numbers[i] = i
	}
	type handle = distributed.Handle[int]
	submit := func(ctx context.Context, n int) (*handle, error) {
		key := distributed.Key(fmt.Sprintf("mark-%d", n))
		return distributed.Submit(ctx, c, leaveMark, mark{n, s.pause}, key)
	}
	handles, err := aio.Map(ctx, numbers, submit, aio.Limit(256))
	if err != nil {
		return err
	}
	_, err = aio.Map(ctx, handles, func(ctx context.Context, h *handle) (int, error) {
		return h.Await(ctx)
	}, aio.Limit(256))
	return err
}

// tally is the account.
type tally struct {
	Jobs       int `json:"jobs"`
	Done       int `json:"done"`
	Missing    int `json:"missing"`
	Twice      int `json:"more_than_once"`
	Marks      int `json:"marks"`
	Workers    int `json:"workers_killed"`
	Brokers    int `json:"brokers_killed"`
	Submitters int `json:"submitters_killed"`
}

var errMissing = errors.New("jobs are missing")

// account runs the jobs while processes are killed, and counts their marks.
func account(ctx context.Context, s settings, std cli.Streams) error {
	dir, err := os.MkdirTemp("", "farm")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	y, err := newYard(dir, s.workers, true)
	if err != nil {
		return err
	}
	// The jobs last for most of the time.
	pause := s.account * time.Duration(s.workers*atOnce) / time.Duration(s.jobs) * 3 / 4
	submitter := &farmhand{args: []string{"-submit", y.url, "-jobs", fmt.Sprint(s.jobs),
		"-pause", pause.String()}}
	err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		y.start(g)
		over := g.Go(submitter.keep, aio.Name("submitter"))
		random := aio.RunningLoop(ctx).Rand()
		began := time.Now()
		for second := 1; time.Since(began) < s.account && !over.Done(); second++ {
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
			y.workers[random.IntN(len(y.workers))].kill()
			switch {
			case second%15 == 7:
				y.broker.kill()
			case second%15 == 12:
				submitter.kill()
			}
			if std.Progress != nil {
				fmt.Fprintf(std.Progress, "\r%d s, %d kills ", second,
					y.kills()+y.broker.kills+submitter.kills)
			}
		}
		if _, err := over.Await(ctx); err != nil { // the rest in peace
			return err
		}
		g.Cancel(nil)
		return nil
	})
	if err != nil {
		return err
	}
	t := tally{Jobs: s.jobs,
		Workers: y.kills(), Brokers: y.broker.kills, Submitters: submitter.kills}
	if err := t.count(dir); err != nil {
		return err
	}
	if s.json {
		err = json.NewEncoder(std.Out).Encode(t)
	} else {
		fmt.Fprintf(std.Out, "%d jobs: %d done, %d missing; %d marks, %d jobs have more than one\n"+
			"killed: %d workers, %d brokers, %d submitters\n",
			t.Jobs, t.Done, t.Missing, t.Marks, t.Twice, t.Workers, t.Brokers, t.Submitters)
	}
	if err == nil && t.Missing > 0 {
		err = fmt.Errorf("%w: %d of %d", errMissing, t.Missing, t.Jobs)
	}
	return err
}

func (y *yard) kills() int {
	n := 0
	for _, w := range y.workers {
		n += w.kills
	}
	return n
}

// count reads the marks of all workers.
func (t *tally) count(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "marks-*"))
	if err != nil {
		return err
	}
	seen := make([]int, t.Jobs)
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		for lines := bufio.NewScanner(f); lines.Scan(); {
			var n int
			if _, err := fmt.Sscan(lines.Text(), &n); err != nil || n < 0 || n >= t.Jobs {
				return fmt.Errorf("%s has a mark of no job: %q", name, lines.Text())
			}
			seen[n]++
			t.Marks++
		}
	}
	for _, n := range seen {
		switch {
		case n == 0:
			t.Missing++
		case n > 1:
			t.Twice++
			fallthrough
		default:
			t.Done++
		}
	}
	return nil
}
