package suite_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// FuzzPrograms runs random programs of tasks, cancels, time-outs, groups, locks, semaphores, events
// and queues under a virtual clock, and compares what happened with what a simple model allows: no
// item is lost, doubled or overtaken, locks and permits are held by as many as they allow and free
// at the end, no task is left, and the same program does the same twice.
func FuzzPrograms(f *testing.F) {
	for _, seed := range []string{
		"\x02\x04\x01\x05\x01",
		"\x03\x02\x00\x01\x02\x00\x02\x09\x01\x02\x00\x03",
		"\x05\x08\x01\x05\x00\x04\x00\x04\x00\x04\x00\x05\x00\x09\x02\x01\x03",
		"\x04\x0a\x01\x0a\x00\x0d\x02\x00\x05\x00\x0c\x01\x0b\x00\x08\x03\x0b\x00",
		strings.Repeat("\x04\x00\x05\x01\x08\x02\x02\x01\x03\x02\x09\x03", 4),
		// What the fuzzer has found before.
		"010C0000000000000002010C200",
		"0000000X0000071000010080000710000000000000000000c100c000000000",
		"210#01#100",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		if len(code) > 200 {
			return
		}
		first := runProgram(t, code)
		if second := runProgram(t, code); !slices.Equal(first, second) {
			t.Fatalf("the same program did\n%s\nand then\n%s",
				strings.Join(first, "\n"), strings.Join(second, "\n"))
		}
	})
}

// program is one random program: its code, what its tasks share, and what the model knows.
type program struct {
	t     *testing.T
	log   []string
	tasks []*aio.Task[aio.None]

	locks  [2]aiosync.Lock
	inside [2]int
	sem    *aiosync.Semaphore
	permit int
	event  aiosync.Event
	rw     aiosync.RWLock
	reads  int // tasks that hold rw for reading
	writes int // and for writing
	cond   *aiosync.Condition
	owned  bool // somebody holds the condition's lock
	queues [2]*aiosync.Queue[item]
	items  int              // items made
	kids   int              // tasks of groups
	put    [2]map[item]bool // items whose put has succeeded
	got    [2][]item
}

// item is what goes through the queues: the task that put it, and a number that grows.
type item struct{ task, n int }

// whoKey is the context key of the number of a task of a group; the others have the number of their
// actor.
type whoKey struct{}

const (
	semSize   = 2
	queueSize = 2
)

func runProgram(t *testing.T, code []byte) []string {
	p := &program{
		t:    t,
		sem:  aiosync.NewSemaphore(semSize),
		cond: aiosync.NewCondition(&aiosync.Lock{}),
	}
	for i := range p.queues {
		p.queues[i] = aiosync.NewQueue[item](queueSize)
		p.put[i] = map[item]bool{}
	}
	n := 2
	if len(code) > 0 {
		n += int(code[0] % 5)
		code = code[1:]
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		size := (len(code) + n - 1) / n
		for i := range n {
			part := code[min(i*size, len(code)):min((i+1)*size, len(code))]
			p.tasks = append(p.tasks, aio.Start(ctx, func(ctx context.Context) error {
				return (&actor{p: p, id: i, code: part}).run(ctx)
			}))
		}
		if err := aio.Sleep(ctx, time.Second); err != nil { // longer than any of them goes on by itself
			return err
		}
		for range 3 { // a task that is cancelled may leave one that it had started
			for _, task := range aio.AllTasks(ctx)[1:] {
				task.Cancel(nil)
			}
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		return p.check(ctx)
	}, aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) {
		// tasks may well wait for each other until they are cancelled,
		_, cycle := errors.AsType[*aio.DeadlockError](r.Err)
		// or leave one whose outcome nobody looks at, which may be the cancellation of another task
		unseen := strings.Contains(r.Message, "never ") ||
			strings.Contains(r.Message, "without a request")
		if !cycle && !unseen {
			t.Errorf("report: %s: %v", r.Message, r.Err)
		}
	}))
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(p.log, "\n"))
	}
	return p.log
}

func (p *program) note(format string, args ...any) {
	p.log = append(p.log, fmt.Sprintf(format, args...))
}

// check compares the end with the model.
func (p *program) check(ctx context.Context) error {
	if left := aio.AllTasks(ctx); len(left) != 1 {
		return fmt.Errorf("tasks are left: %v", left)
	}
	for i := range p.locks {
		if p.locks[i].Locked() || p.inside[i] != 0 {
			return fmt.Errorf("lock %d is not free: %v", i, &p.locks[i])
		}
	}
	if p.reads != 0 || p.writes != 0 || p.owned {
		return fmt.Errorf("%d readers, %d writers, condition owned: %v", p.reads, p.writes, p.owned)
	}
	if err := aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
		return errors.Join(p.rw.Acquire(ctx), p.cond.Acquire(ctx))
	}); err != nil {
		return fmt.Errorf("a lock is not free at the end: %w", err)
	}
	if s := p.sem.String(); p.permit != 0 || !strings.Contains(s, fmt.Sprintf("value:%d", semSize)) {
		return fmt.Errorf("permits are missing: %s", s)
	}
	for i, q := range p.queues {
		for {
			v, err := q.GetNowait()
			if err != nil {
				break
			}
			p.got[i] = append(p.got[i], v)
		}
		if q.Len() != 0 {
			return fmt.Errorf("queue %d holds %d items that nobody can get: %v", i, q.Len(), q)
		}
		last := map[int]int{}
		seen := map[item]bool{}
		for _, v := range p.got[i] {
			switch {
			case seen[v]:
				return fmt.Errorf("queue %d gave %v twice", i, v)
			case !p.put[i][v]:
				return fmt.Errorf("queue %d gave %v, whose put failed", i, v)
			case last[v.task] > v.n:
				return fmt.Errorf("queue %d gave %v after a later item of the same task", i, v)
			}
			seen[v], last[v.task] = true, v.n
		}
		if len(seen) != len(p.put[i]) {
			return fmt.Errorf("queue %d: %d items were put, %d came out", i, len(p.put[i]), len(seen))
		}
	}
	return nil
}

// actor is one task of a program: it carries out its code.
type actor struct {
	p    *program
	id   int
	code []byte
}

func (a *actor) item(ctx context.Context) item {
	a.p.items++
	if who, ok := ctx.Value(whoKey{}).(int); ok {
		return item{who, a.p.items}
	}
	return item{a.id, a.p.items}
}

// child is an operation as a task of a group.
func (a *actor) child(depth int) func(ctx context.Context) error {
	a.p.kids++
	who := 100 + a.p.kids
	return func(ctx context.Context) error {
		return a.step(context.WithValue(ctx, whoKey{}, who), depth)
	}
}

func (a *actor) next() int {
	if len(a.code) == 0 {
		return 0
	}
	b := a.code[0]
	a.code = a.code[1:]
	return int(b)
}

func (a *actor) run(ctx context.Context) error {
	for len(a.code) > 0 {
		if err := a.step(ctx, 0); err != nil && ctx.Err() != nil {
			a.p.note("%d ends: %v", a.id, err)
			return err
		}
	}
	return nil
}

// step carries out one operation and what is nested in it.
func (a *actor) step(ctx context.Context, depth int) error {
	p, op, arg := a.p, a.next()%26, a.next()
	if depth > 5 {
		return nil
	}
	i := arg % 2
	ms := time.Duration(arg%8) * time.Millisecond
	p.note("%d op %d arg %d", a.id, op, arg)
	switch op {
	case 0:
		return aio.Yield(ctx)
	case 1:
		return aio.Sleep(ctx, ms)
	case 2:
		return p.locks[i].With(ctx, func(ctx context.Context) error {
			if p.inside[i]++; p.inside[i] != 1 {
				p.t.Errorf("%d tasks hold lock %d", p.inside[i], i)
			}
			defer func() { p.inside[i]-- }()
			return aio.Sleep(ctx, ms/2)
		})
	case 3:
		return p.sem.With(ctx, func(ctx context.Context) error {
			if p.permit++; p.permit > semSize {
				p.t.Errorf("%d tasks hold permits", p.permit)
			}
			defer func() { p.permit-- }()
			return aio.Sleep(ctx, ms/2)
		})
	case 4:
		v := a.item(ctx)
		return a.stored(i, v, p.queues[i].Put(ctx, v))
	case 5:
		v, err := p.queues[i].Get(ctx)
		if err == nil {
			p.got[i] = append(p.got[i], v)
			p.note("%d got %v", a.id, v)
		}
		return err
	case 6:
		v := a.item(ctx)
		return a.stored(i, v, p.queues[i].PutNowait(v))
	case 7:
		v, err := p.queues[i].GetNowait()
		if err == nil {
			p.got[i] = append(p.got[i], v)
		}
		return err
	case 8:
		err := aio.Timeout(ctx, ms, func(ctx context.Context) error { return a.step(ctx, depth+1) })
		p.note("%d time-out: %v", a.id, errors.Is(err, context.DeadlineExceeded))
		return err
	case 9:
		p.tasks[arg%len(p.tasks)].Cancel(nil)
		return nil
	case 10:
		_, err := p.tasks[arg%len(p.tasks)].Await(ctx)
		return err
	case 11:
		return p.event.Wait(ctx)
	case 12:
		if p.event.Set(); i == 1 {
			p.event.Clear()
		}
		return nil
	case 13:
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(a.child(depth + 1))
			g.Go(a.child(depth + 1))
			return a.step(ctx, depth+1)
		})
	case 14:
		return aio.Sleep(context.WithoutCancel(ctx), ms)
	case 15:
		one, two := p.tasks[arg%len(p.tasks)], p.tasks[arg/8%len(p.tasks)]
		if self := aio.CurrentTask(ctx); self == aio.AnyTask(one) || self == aio.AnyTask(two) {
			return nil // a task that gathers itself is a misuse
		}
		_, err := aio.Gather(ctx, one, two)
		return err
	case 16:
		_, _, err := aio.WaitTimeout(ctx, ms, aio.When(arg/8%3), p.tasks...)
		return err
	case 17:
		for task, err := range aio.AsCompleted(ctx, p.tasks...) {
			if err != nil || i == 1 {
				p.note("%d saw one end: %v", a.id, task != nil)
				return err
			}
		}
		return nil
	case 18:
		_, err := aio.Shield(ctx, p.tasks[arg%len(p.tasks)])
		return err
	case 19:
		if err := p.rw.AcquireRead(ctx); err != nil {
			return err
		}
		defer p.rw.ReleaseRead()
		if p.reads++; p.writes > 0 {
			p.t.Errorf("a reader and a writer hold the lock")
		}
		defer func() { p.reads-- }()
		return aio.Sleep(ctx, ms/2)
	case 20:
		if err := p.rw.Acquire(ctx); err != nil {
			return err
		}
		defer p.rw.Release()
		if p.writes++; p.writes > 1 || p.reads > 0 {
			p.t.Errorf("%d writers and %d readers hold the lock", p.writes, p.reads)
		}
		defer func() { p.writes-- }()
		return aio.Sleep(ctx, ms/2)
	case 21, 22:
		if err := p.cond.Acquire(ctx); err != nil {
			return err
		}
		defer p.cond.Release()
		p.own(true)
		defer p.own(false)
		if op == 21 {
			p.cond.Notify(1 + i)
			return aio.Yield(ctx)
		}
		p.own(false)
		defer p.own(true)
		return p.cond.Wait(ctx)
	case 23:
		std, cancel := context.WithCancel(context.WithValue(ctx, a, 1))
		defer cancel()
		return a.step(std, depth+1)
	case 24:
		limited, cancel := aio.WithTimeout(ctx, ms)
		defer cancel()
		return a.step(limited, depth+1)
	default:
		_, err := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return 1, a.step(ctx, depth+1)
		}).Await(ctx)
		return err
	}
}

// own notes who holds the condition's lock.
func (p *program) own(now bool) {
	if p.owned == now {
		p.t.Errorf("the condition's lock: held %v, and again", now)
	}
	p.owned = now
}

// stored notes the outcome of a put. An item can be taken before the task that put it goes on,
// never if the put fails.
func (a *actor) stored(i int, v item, err error) error {
	if err == nil {
		a.p.put[i][v] = true
	}
	return err
}
