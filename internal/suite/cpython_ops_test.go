package suite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

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
	for rng.IntN(4) == 0 {
		bodies = append(bodies, randomOperations(rng, 0, 5+rng.IntN(5), 0))
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
	simple := []string{"yield", "sleep", "spawn", "spawn", "await", "gather", "wait", "each", "shield",
		"cancel", "ondone", "soon", "later",
		"raise", "cwait", "cnotify", "ewait", "eset", "eclear", "put", "get", "fwait", "fset",
		"limited", "cancelnow", "downfall", "move", "movelater", "barrier", "cpass", "bput",
		"btake", "shutdown"}
	nested := []string{"timeout", "group", "try", "lock", "sem", "group", "deadline", "finally",
		"single", "child"}
	if depth < 3 && rng.IntN(4) == 0 {
		o := operation{Op: nested[rng.IntN(len(nested))], A: 1 + rng.IntN(3)}
		if o.Op == "child" {
			body = max(body, 1) // it is no main
		}
		o.Body = randomOperations(rng, body, 1+rng.IntN(4), depth+1)
		return o
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
	case "bput": // as one task gets, one task puts where there may be no room
		if body != 0 {
			o.Op = "btake"
		}
	case "shutdown": // seldom, or there would be nothing else
		if rng.IntN(3) > 0 {
			o.Op = "put"
		}
	case "sleep", "later", "limited":
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
	case errors.Is(err, aiosync.ErrQueueShutdown):
		return "S"
	}
	return err.Error()
}

// opProgram is a program while it runs under aio.
type opProgram struct {
	loop   *aio.Loop
	bodies [][]operation
	lines  []string
	tasks  []*labelled

	locks   [2]aiosync.Lock
	cond    aiosync.Condition
	sem     *aiosync.Semaphore
	single  *aiosync.Semaphore
	barrier *aiosync.Barrier
	event   aiosync.Event
	queue   *aiosync.Queue[int]
	narrow  *aiosync.Queue[int]
	futures [3]*aio.Future[int]
	blocks  []*aio.TimeoutBlock
}

type labelled struct {
	*aio.Task[aio.None]
	label string
}

// runOperations runs a program under aio and returns what it prints, and last how it ended.
func runOperations(t *testing.T, bodies [][]operation) []string {
	p := &opProgram{bodies: bodies, sem: aiosync.NewSemaphore(2), single: aiosync.NewSemaphore(1),
		barrier: aiosync.NewBarrier(2),
		queue:   aiosync.NewQueue[int](0), narrow: aiosync.NewQueue[int](1)}
	runner := aio.NewRunner(aio.WithClock(aio.NewVirtualClock()),
		aio.WithExceptionHandler(func(*aio.Loop, aio.Report) {}))
	p.loop = runner.Loop()
	for i := range p.futures {
		p.futures[i] = aio.NewFuture[int](p.loop.Context())
	}
	end := "over"
	for i, body := range bodies {
		if 0 < i && i < 4 || end != "over" {
			continue
		}
		err := runner.Run(t.Context(), func(ctx context.Context) error {
			err := p.ops(ctx, "main", body, new([]*labelled), nil)
			p.log("main", "ends", kind(err))
			return err
		})
		if dead := (*aio.DeadlockError)(nil); errors.As(err, &dead) {
			end = "deadlock"
		}
	}
	runner.Close()
	return append(p.lines, end)
}

func (p *opProgram) log(who string, what ...any) {
	now := int(p.since() / time.Second)
	p.lines = append(p.lines, strings.TrimSpace(fmt.Sprintln(append([]any{now, who}, what...)...)))
}

// since is how long the program has run.
func (p *opProgram) since() time.Duration {
	return p.loop.Time().Sub(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
}

func (p *opProgram) spawn(ctx context.Context, ops []operation, g *aio.TaskGroup) *labelled {
	label := fmt.Sprintf("t%d", len(p.tasks))
	fn := func(ctx context.Context) error {
		p.log(label, "begins")
		err := p.ops(ctx, label, ops, new([]*labelled), nil)
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

func (p *opProgram) ops(
	ctx context.Context, who string, ops []operation, mine *[]*labelled, g *aio.TaskGroup,
) error {
	for _, o := range ops {
		if err := p.op(ctx, who, o, mine, g); err != nil {
			return err
		}
	}
	return nil
}

func (p *opProgram) op(
	ctx context.Context, who string, o operation, mine *[]*labelled, g *aio.TaskGroup,
) error {
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
	case "spawn", "child":
		ops := o.Body
		if o.Op == "spawn" {
			ops = p.bodies[o.A]
		}
		if task := p.spawn(ctx, ops, g); task != nil && g == nil {
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
		return p.each(ctx, who, *mine)
	case "limited":
		return left(aio.Timeout(ctx, time.Duration(o.A)*time.Second, func(ctx context.Context) error {
			return p.each(ctx, who, *mine)
		}), o.Op, "left")
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
	case "cancelnow":
		if task := p.one(o.A); task != nil && task.label != who {
			p.log(who, o.Op, task.label, pyBool(task.Done()))
			task.Cancel(nil)
		}
		return nil
	case "downfall":
		if one, other := p.one(o.A), p.one(o.B); one != nil {
			one.AddDoneCallback(func() {
				p.log(who, o.Op, other.label, pyBool(other.Done()))
				other.Cancel(nil)
			})
		}
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
	case "deadline":
		var block *aio.TimeoutBlock
		every := time.Duration(o.A) * time.Second
		err := aio.TimeoutAt(ctx, p.loop.Time().Add(every-p.since()%every),
			func(ctx context.Context) error {
				block = aio.CurrentTimeout(ctx)
				p.blocks = append(p.blocks, block)
				return p.ops(ctx, who, o.Body, mine, nil)
			})
		p.log(who, o.Op, pyBool(block.Expired()))
		return err
	case "move":
		if len(p.blocks) > 0 {
			at := p.loop.Time().Add(time.Duration(o.B) * time.Second)
			if o.B == 2 {
				at = time.Time{}
			}
			p.log(who, o.Op, okOrNo(p.blocks[o.A%len(p.blocks)].Reschedule(at)))
		}
		return nil
	case "movelater":
		p.loop.CallLater(time.Duration(o.B)*time.Second, func() {
			if len(p.blocks) > 0 {
				block := p.blocks[o.A%len(p.blocks)]
				err := block.Reschedule(p.loop.Time())
				p.log(who, o.Op, okOrNo(err), pyBool(block.Expired()))
			}
		})
		return nil
	case "finally":
		err := p.ops(ctx, who, o.Body, mine, g)
		p.log(who, "tidies up")
		aio.Sleep(context.WithoutCancel(ctx), time.Duration(o.A)*time.Second)
		p.log(who, "tidied up")
		return err
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
	case "single":
		return left(p.single.With(ctx, within(o.Op)), "release")
	case "barrier":
		n, err := p.barrier.Wait(ctx)
		return done(err, n)
	case "cpass":
		return p.cond.With(ctx, func(ctx context.Context) error {
			p.cond.Notify(1)
			p.log(who, o.Op)
			if task := p.one(o.A); task != nil && task.label != who {
				task.Cancel(nil)
			}
			return nil
		})
	case "bput":
		return done(p.narrow.Put(ctx, o.A), o.A)
	case "btake":
		p.loop.CallLater(time.Duration(o.B)*time.Second, func() {
			v, err := p.narrow.GetNowait()
			switch {
			case err == nil:
				p.log(who, o.Op, v)
			case errors.Is(err, aiosync.ErrQueueEmpty):
				p.log(who, o.Op, "empty")
			default:
				p.log(who, o.Op, kind(err))
			}
		})
		return nil
	case "shutdown":
		[]*aiosync.Queue[int]{p.queue, p.narrow}[o.A%2].Shutdown(o.B == 0)
		return done(nil, o.A%2)
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

func (p *opProgram) each(ctx context.Context, who string, tasks []*labelled) error {
	n := 0
	for _, err := range aio.AsCompleted(ctx, handles(tasks)...) {
		if err != nil {
			return err
		}
		n++
		p.log(who, "each", n)
	}
	return nil
}

func okOrNo(err error) string {
	if err != nil {
		return "no"
	}
	return "ok"
}

func handles(tasks []*labelled) []*aio.Task[aio.None] {
	out := make([]*aio.Task[aio.None], len(tasks))
	for i, task := range tasks {
		out[i] = task.Task
	}
	return out
}
