package aio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// operation is a step of a random program; testdata/cpython/random.py has the same ones.
type operation struct {
	Op   string      `json:"op"`
	A    int         `json:"a,omitempty"`
	B    int         `json:"b,omitempty"`
	Body []operation `json:"body,omitempty"`
}

// TestRandomProgramsDoWhatTheyDoUnderCPython makes random programs, runs each under CPython's asyncio and under aio, both with a clock that
// makes its own time, and compares what was printed, line by line: what ran in which order, what came of it, and when.
//
// The programs keep to where both mean the same: they let a cancellation go on (ours stays in force until the end of the scope, asyncio's
// is over when it was raised once), callbacks cancel tasks (in a task that cancels itself our next await fails at once, asyncio's a pass
// later), no two tasks await the same task unshielded, one task gets from the queue (asyncio's lets newcomers overtake), and there are no
// barriers (asyncio's counts those who were cancelled in the same pass). Of 10,000 programs one or two still differ, where a task that was
// just cancelled is cancelled again through somebody who awaits it: ours then does not wait for its end. AIO_PROGRAMS sets the number of programs, AIO_SEED the first.
func TestRandomProgramsDoWhatTheyDoUnderCPython(t *testing.T) {
	python := cpython(t)
	count, first := envInt("AIO_PROGRAMS", 300), envInt("AIO_SEED", 1)
	programs := make([][][]operation, count)
	for i := range programs {
		programs[i] = randomProgram(rand.New(rand.NewPCG(uint64(first+i), 11)))
	}
	input, err := json.Marshal(programs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "cpython", "random.py"))
	cmd.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	var theirs [][]string
	if err := json.Unmarshal(output, &theirs); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for i, bodies := range programs {
		want, got := alike(theirs[i], runOperations(t, bodies))
		if slices.Equal(got, want) {
			continue
		}
		at := 0
		for at < len(got) && at < len(want) && got[at] == want[at] {
			at++
		}
		code, _ := json.MarshalIndent(bodies, "", " ")
		t.Errorf("seed %d differs from line %d on\nCPython:\n  %s\naio:\n  %s\nboth before:\n  %s\nprogram: %s", first+i, at+1,
			strings.Join(want[at:min(at+6, len(want))], "\n  "), strings.Join(got[at:min(at+6, len(got))], "\n  "), strings.Join(want[max(0, at-12):at], "\n  "), code)
		if failed++; failed == 3 {
			t.FailNow()
		}
	}
}

// alike cuts off what cannot be compared: what the tasks that are left do when they are cancelled in the end, which asyncio does in no
// particular order, and after a deadlock what follows from its being noticed, which asyncio does not.
func alike(theirs, ours []string) (want, got []string) {
	cut := func(lines []string, after string) []string {
		i := slices.IndexFunc(lines, func(s string) bool { return strings.Contains(s, after) })
		return lines[:i+1]
	}
	if last := len(theirs) - 1; theirs[last] != "deadlock" || ours[len(ours)-1] != "deadlock" {
		return cut(theirs, " main ends "), cut(ours, " main ends ")
	}
	n := 0
	for n < len(theirs)-1 && n < len(ours)-1 && (theirs[n] == ours[n] || !strings.HasSuffix(ours[n], " C")) {
		n++
	}
	return theirs[:n], ours[:n]
}

// cpython returns the path of a Python whose asyncio has groups and time-out blocks.
func cpython(t *testing.T) string {
	for _, name := range []string{"python3.11", "python3"} {
		path, err := exec.LookPath(name)
		if err == nil && exec.CommandContext(t.Context(), path, "-c", "import asyncio; asyncio.timeout, asyncio.Barrier").Run() == nil {
			return path
		}
	}
	t.Skip("there is no Python 3.11 or later to compare with")
	return ""
}

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// randomProgram makes a program of a main body and three that it and the others start.
func randomProgram(rng *rand.Rand) [][]operation {
	bodies := make([][]operation, 4)
	for i := range bodies {
		size := 3 + rng.IntN(5)
		if i == 0 {
			size += 4
		}
		bodies[i] = randomOperations(rng, i, size, 0)
	}
	return bodies
}

func randomOperations(rng *rand.Rand, body, size, depth int) []operation {
	out := make([]operation, 0, size)
	for len(out) < size {
		out = append(out, randomOperation(rng, body, depth))
	}
	return out
}

func randomOperation(rng *rand.Rand, body, depth int) operation {
	simple := []string{"yield", "sleep", "spawn", "spawn", "await", "gather", "wait", "each", "shield", "cancel", "ondone", "soon", "later",
		"raise", "cwait", "cnotify", "ewait", "eset", "eclear", "put", "get", "fwait", "fset"}
	nested := []string{"timeout", "group", "try", "lock", "sem"}
	if depth < 2 && rng.IntN(4) == 0 {
		return operation{Op: nested[rng.IntN(len(nested))], A: 1 + rng.IntN(3), Body: randomOperations(rng, body, 1+rng.IntN(4), depth+1)}
	}
	o := operation{Op: simple[rng.IntN(len(simple))], A: rng.IntN(4), B: rng.IntN(3)}
	switch o.Op {
	case "spawn": // only forward, so that there is an end
		if body == 3 {
			o.Op = "yield"
		} else {
			o.A = body + 1 + rng.IntN(3-body)
		}
	case "get":
		if body != 0 {
			o.Op = "put"
		}
	case "sleep", "later":
		o.A++
	}
	return o
}

// boom is an error that an operation raises.
type boom int

func (b boom) Error() string { return "E" + strconv.Itoa(int(b)) }

// kind is what a program prints of an error.
func kind(err error) string {
	var te *aio.TimeoutError
	joined, several := err.(interface{ Unwrap() []error })
	switch {
	case err == nil:
		return "ok"
	case several:
		var kinds []string
		for _, e := range joined.Unwrap() {
			kinds = append(kinds, kind(e))
		}
		return strings.Join(kinds, "+")
	case errors.As(err, &te) && !errors.Is(err, aio.ErrCancelled):
		return "T"
	case errors.Is(err, aio.ErrCancelled):
		return "C"
	}
	return err.Error()
}

// opProgram is a program while it runs under aio.
type opProgram struct {
	loop   *aio.Loop
	bodies [][]operation
	lines  []string
	tasks  []*labelled

	locks   [2]aio.Lock
	cond    aio.Condition
	sem     *aio.Semaphore
	event   aio.Event
	queue   *aio.Queue[int]
	futures [3]*aio.Future[int]
}

type labelled struct {
	*aio.Task[aio.None]
	label string
}

// runOperations runs a program under aio and returns what it prints, and last how it ended.
func runOperations(t *testing.T, bodies [][]operation) []string {
	p := &opProgram{bodies: bodies, sem: aio.NewSemaphore(2), queue: aio.NewQueue[int](0)}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		p.loop = aio.RunningLoop(ctx)
		for i := range p.futures {
			p.futures[i] = aio.NewFuture[int](p.loop)
		}
		err := p.ops(ctx, "main", p.bodies[0], new([]*labelled), nil)
		p.log("main", "ends", kind(err))
		return err
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	end := "over"
	if dead := (*aio.DeadlockError)(nil); errors.As(err, &dead) {
		end = "deadlock"
	}
	return append(p.lines, end)
}

func (p *opProgram) log(who string, what ...any) {
	now := int(p.loop.Time().Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) / time.Second)
	p.lines = append(p.lines, strings.TrimSpace(fmt.Sprintln(append([]any{now, who}, what...)...)))
}

func (p *opProgram) spawn(ctx context.Context, body int, g *aio.TaskGroup) *labelled {
	label := fmt.Sprintf("t%d", len(p.tasks))
	fn := func(ctx context.Context) error {
		p.log(label, "begins")
		err := p.ops(ctx, label, p.bodies[body], new([]*labelled), nil)
		p.log(label, "ends", kind(err))
		return err
	}
	var task *aio.Task[aio.None]
	if g == nil {
		task = aio.Start(ctx, fn)
	} else {
		task = g.Go(fn)
	}
	if task.Done() && errors.Is(task.Err(), aio.ErrGroupClosed) {
		p.log(label, "refused")
		return nil
	}
	p.tasks = append(p.tasks, &labelled{task, label})
	return p.tasks[len(p.tasks)-1]
}

func (p *opProgram) one(n int) *labelled {
	if len(p.tasks) == 0 {
		return nil
	}
	return p.tasks[n%len(p.tasks)]
}

func (p *opProgram) ops(ctx context.Context, who string, ops []operation, mine *[]*labelled, g *aio.TaskGroup) error {
	for _, o := range ops {
		if err := p.op(ctx, who, o, mine, g); err != nil {
			return err
		}
	}
	return nil
}

func (p *opProgram) op(ctx context.Context, who string, o operation, mine *[]*labelled, g *aio.TaskGroup) error {
	done := func(err error, what ...any) error {
		if err == nil {
			p.log(who, append([]any{o.Op}, what...)...)
		}
		return err
	}
	within := func(after ...any) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if after != nil {
				p.log(who, after...)
			}
			return p.ops(ctx, who, o.Body, mine, nil)
		}
	}
	left := func(err error, what ...any) error {
		if err == nil {
			p.log(who, what...)
		}
		return err
	}
	switch o.Op {
	case "yield":
		return done(aio.Yield(ctx))
	case "sleep":
		return done(aio.Sleep(ctx, time.Duration(o.A)*time.Second), o.A)
	case "spawn":
		if task := p.spawn(ctx, o.A, g); task != nil && g == nil {
			*mine = append(*mine, task)
		}
		return done(nil, len(p.tasks)-1)
	case "await":
		if len(*mine) == 0 {
			return nil
		}
		_, err := (*mine)[o.A%len(*mine)].Await(ctx)
		p.log(who, o.Op)
		return err
	case "gather":
		if len(*mine) == 0 {
			return nil
		}
		var kinds []any
		var err error
		if tasks := handles(*mine); o.B == 0 {
			if _, err = aio.Gather(ctx, tasks...); err == nil {
				kinds = slices.Repeat([]any{"ok"}, len(tasks))
			}
		} else {
			var outcomes []aio.Outcome[aio.None]
			outcomes, err = aio.GatherSettled(ctx, tasks...)
			for _, x := range outcomes {
				kinds = append(kinds, kind(x.Err))
			}
		}
		return done(err, kinds...)
	case "wait":
		if len(*mine) == 0 {
			return nil
		}
		when := []aio.When{aio.AllCompleted, aio.FirstCompleted, aio.FirstException}[o.A%3]
		var err error
		if tasks := handles(*mine); o.B == 0 {
			_, _, err = aio.Wait(ctx, when, tasks...)
		} else {
			_, _, err = aio.WaitTimeout(ctx, time.Duration(o.B)*time.Second, when, tasks...)
		}
		states := ""
		for _, task := range *mine {
			states += map[bool]string{true: "d", false: "p"}[task.Done()]
		}
		return done(err, states)
	case "each":
		n := 0
		for _, err := range aio.AsCompleted(ctx, handles(*mine)...) {
			if err != nil {
				return err
			}
			n++
			p.log(who, o.Op, n)
		}
		return nil
	case "shield":
		task := p.one(o.A)
		if task == nil || task.label == who {
			return nil
		}
		_, err := aio.Shield(ctx, task.Task)
		return done(err, o.A)
	case "cancel":
		p.loop.CallLater(time.Duration(o.B)*time.Second, func() {
			if task := p.one(o.A); task != nil {
				p.log(who, o.Op, task.label, pyBool(task.Done()))
				task.Cancel(nil)
			}
		})
		return nil
	case "ondone":
		if task := p.one(o.A); task != nil {
			task.AddDoneCallback(func() { p.log(who, "sees the end of", task.label) })
		}
		return nil
	case "soon":
		p.loop.CallSoon(func() { p.log(who, o.Op, o.A) })
		return nil
	case "later":
		p.loop.CallLater(time.Duration(o.A)*time.Second, func() { p.log(who, o.Op, o.A) })
		return nil
	case "timeout":
		return left(aio.Timeout(ctx, time.Duration(o.A)*time.Second, within()), o.Op, "left")
	case "group":
		return left(aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			return p.ops(ctx, who, o.Body, new([]*labelled), g)
		}), o.Op, "left")
	case "try":
		err := p.ops(ctx, who, o.Body, mine, g)
		if err == nil {
			return nil
		}
		p.log(who, "meets", kind(err))
		if kind(err) == "C" {
			return err
		}
		return nil
	case "raise":
		return boom(o.A)
	case "lock":
		n := o.A % 2
		return left(p.locks[n].With(ctx, within(o.Op, n)), "unlock", n)
	case "sem":
		return left(p.sem.With(ctx, within(o.Op)), "release")
	case "cwait":
		return p.cond.With(ctx, func(ctx context.Context) error { return done(p.cond.Wait(ctx)) })
	case "cnotify":
		return p.cond.With(ctx, func(ctx context.Context) error {
			p.cond.Notify(o.A)
			return done(nil, o.A)
		})
	case "ewait":
		return done(p.event.Wait(ctx))
	case "eset":
		p.event.Set()
		return nil
	case "eclear":
		p.event.Clear()
		return nil
	case "put":
		return done(p.queue.Put(ctx, o.A), o.A)
	case "get":
		v, err := p.queue.Get(ctx)
		return done(err, v)
	case "fwait":
		v, err := aio.Shield(ctx, p.futures[o.A%3])
		return done(err, v)
	case "fset":
		if f := p.futures[o.A%3]; !f.Done() {
			switch o.B {
			case 0:
				f.SetResult(o.A)
			case 1:
				f.SetError(boom(o.A))
			default:
				f.Cancel(nil)
			}
		}
		return done(nil, o.A, o.B)
	}
	panic("no operation " + o.Op)
}

func handles(tasks []*labelled) []*aio.Task[aio.None] {
	out := make([]*aio.Task[aio.None], len(tasks))
	for i, task := range tasks {
		out[i] = task.Task
	}
	return out
}
