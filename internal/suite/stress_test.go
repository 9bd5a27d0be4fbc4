package suite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// A stress program is a random tree of jobs: leaves sleep, yield, wait for futures, take a lock or
// fail; inner nodes run others in groups, gathers, blocks with time limits, behind shields, or
// start and cancel them. A job that succeeds returns the number of its leaves.

type stress struct {
	t         *testing.T
	seed      uint64
	rng       *rand.Rand
	lock      aiosync.Lock
	inside    int                  // tasks that hold the lock
	requested map[aio.AnyTask]bool // tasks that were asked to end
	failures  bool                 // leaves may fail and time may run out
}

type job struct {
	leaves int
	run    aio.Func[int]
}

func (s *stress) errorf(format string, args ...any) {
	s.t.Helper()
	s.t.Errorf("seed %d: %s", s.seed, fmt.Sprintf(format, args...))
}

func (s *stress) delay() time.Duration { return time.Duration(s.rng.IntN(6)) * time.Second }

func (s *stress) jobs(depth int) (list []job, leaves int) {
	for range 1 + s.rng.IntN(3) {
		j := s.job(depth - 1)
		list = append(list, j)
		leaves += j.leaves
	}
	return list, leaves
}

func (s *stress) job(depth int) job {
	if depth <= 0 || s.rng.IntN(4) == 0 {
		return job{1, s.leaf()}
	}
	switch s.rng.IntN(8) {
	case 0, 1:
		return s.group(depth)
	case 2:
		return s.gather(depth)
	case 3:
		return s.limited(depth)
	case 4:
		return s.shielded(depth)
	case 5:
		return s.killed(depth)
	case 6:
		return s.firstOf(depth)
	}
	return s.asCompleted(depth)
}

func (s *stress) leaf() aio.Func[int] {
	d := s.delay()
	switch kind := s.rng.IntN(7); {
	case kind == 0:
		return func(ctx context.Context) (int, error) { return 1, aio.Yield(ctx) }
	case kind == 1:
		return func(ctx context.Context) (int, error) {
			f := aio.NewFuture[int](ctx)
			aio.RunningLoop(ctx).CallLater(d, func() { f.SetResult(1) })
			return f.Await(ctx)
		}
	case kind == 2:
		return func(ctx context.Context) (int, error) {
			if err := s.lock.Acquire(ctx); err != nil {
				return 0, err
			}
			defer s.lock.Release()
			if s.inside++; s.inside != 1 {
				s.errorf("%d tasks hold the lock", s.inside)
			}
			defer func() { s.inside-- }()
			return 1, aio.Sleep(ctx, d)
		}
	case kind == 3: // cleanup that takes time
		return func(ctx context.Context) (int, error) {
			err := aio.Sleep(ctx, d)
			if err != nil {
				if err := aio.Sleep(context.WithoutCancel(ctx), d); err != nil {
					s.errorf("a freed sleep failed: %v", err)
				}
			}
			return 1, err
		}
	case kind == 4 && s.failures:
		return func(ctx context.Context) (int, error) {
			if err := aio.Sleep(ctx, d); err != nil {
				return 0, err
			}
			return 0, errBoom
		}
	}
	return func(ctx context.Context) (int, error) { return 1, aio.Sleep(ctx, d) }
}

func (s *stress) group(depth int) job {
	children, leaves := s.jobs(depth)
	d := s.delay()
	return job{leaves, func(ctx context.Context) (int, error) {
		var tasks []*aio.Task[int]
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for _, c := range children {
				tasks = append(tasks, aio.GoValue(g, c.run))
			}
			return aio.Sleep(ctx, d)
		})
		sum := 0
		for _, task := range tasks {
			if !task.Done() {
				s.errorf("a group left %v behind", task)
			}
			v, _ := task.Result()
			sum += v
		}
		return sum, err
	}}
}

// end waits for tasks that nobody awaits any more.
func (s *stress) end(ctx context.Context, tasks []*aio.Task[int]) {
	if _, _, err := aio.Wait(context.WithoutCancel(ctx), aio.AllCompleted, tasks...); err != nil {
		s.errorf("a freed wait failed: %v", err)
	}
	for _, task := range tasks {
		task.Err()
	}
}

func start(ctx context.Context, jobs []job) (tasks []*aio.Task[int]) {
	for _, j := range jobs {
		tasks = append(tasks, aio.CreateTask(ctx, j.run))
	}
	return tasks
}

func (s *stress) gather(depth int) job {
	children, leaves := s.jobs(depth)
	return job{leaves, func(ctx context.Context) (int, error) {
		tasks := start(ctx, children)
		got, err := aio.Gather(ctx, tasks...)
		sum := 0
		for i, v := range got {
			if v != children[i].leaves {
				s.errorf("a gather has %d at place %d, want %d", v, i, children[i].leaves)
			}
			sum += v
		}
		s.end(ctx, tasks)
		return sum, err
	}}
}

func (s *stress) limited(depth int) job {
	child, d := s.job(depth-1), s.delay()
	if !s.failures {
		d = time.Hour * 1000
	}
	return job{child.leaves, func(ctx context.Context) (int, error) {
		return aio.WaitFor(ctx, d, child.run)
	}}
}

func (s *stress) shielded(depth int) job {
	child := s.job(depth - 1)
	return job{child.leaves, func(ctx context.Context) (int, error) {
		inner := aio.CreateTask(ctx, child.run)
		v, err := aio.Shield(ctx, inner)
		s.end(ctx, []*aio.Task[int]{inner})
		if inner.Cancelled() {
			s.errorf("what was shielded is %v", inner)
		}
		return v, err
	}}
}

// killed starts a job and cancels it after a while. Whatever becomes of it, it counts as one leaf.
func (s *stress) killed(depth int) job {
	child, d := s.job(depth-1), s.delay()
	return job{1, func(ctx context.Context) (int, error) {
		victim := aio.CreateTask(ctx, child.run)
		err := aio.Sleep(ctx, d)
		s.requested[victim] = true
		accepted := victim.Cancel(errReason)
		s.end(ctx, []*aio.Task[int]{victim})
		v, outcome := victim.Result()
		switch {
		case victim.Cancelled() && !accepted:
			s.errorf("%v although cancel returned false", victim)
		case outcome == nil && v != child.leaves:
			s.errorf("a job returned %d, want %d", v, child.leaves)
		}
		return 1, err
	}}
}

// firstOf waits for the first of its jobs and cancels the rest. It counts as one leaf.
func (s *stress) firstOf(depth int) job {
	children, _ := s.jobs(depth)
	return job{1, func(ctx context.Context) (int, error) {
		tasks := start(ctx, children)
		done, pending, err := aio.Wait(ctx, aio.FirstCompleted, tasks...)
		if err == nil && len(done) == 0 || len(done)+len(pending) != len(tasks) {
			s.errorf("a wait returned %d done and %d pending of %d: %v",
				len(done), len(pending), len(tasks), err)
		}
		for _, task := range pending {
			s.requested[task] = true
			task.Cancel(nil)
		}
		s.end(ctx, tasks)
		return 1, err
	}}
}

func (s *stress) asCompleted(depth int) job {
	children, leaves := s.jobs(depth)
	return job{leaves, func(ctx context.Context) (sum int, err error) {
		tasks := start(ctx, children)
		defer func() { s.end(ctx, tasks) }()
		last := aio.RunningLoop(ctx).Time()
		for task, err := range aio.AsCompleted(ctx, tasks...) {
			if err != nil {
				return sum, err
			}
			if now := aio.RunningLoop(ctx).Time(); now.Before(last) {
				s.errorf("time ran backwards")
			}
			v, err := task.Result()
			if err != nil {
				return sum, err
			}
			sum += v
		}
		return sum, nil
	}}
}

// shuffled decides at random.
type shuffled struct{ *rand.Rand }

func (s shuffled) Choose(_ aio.Choice, n int) int { return s.IntN(n) }

func TestRandomProgramsEndAsTheyShould(t *testing.T) {
	programs := 400
	if testing.Short() {
		programs = 60
	}
	for seed := range uint64(programs) {
		s := &stress{
			t:         t,
			seed:      seed,
			rng:       rand.New(rand.NewPCG(seed, 1)),
			requested: map[aio.AnyTask]bool{},
			failures:  seed%3 != 0,
		}
		var opts []aio.Option
		switch seed % 4 {
		case 1:
			opts = append(opts, aio.WithChooser(shuffled{rand.New(rand.NewPCG(seed, 2))}))
		case 3:
			opts = append(opts, aio.WithScheduler(anyOrder(seed)))
		}
		run(t, s.main, opts...)
		if t.Failed() {
			return
		}
	}
}

func (s *stress) main(ctx context.Context) error {
	cancels := s.seed%4 >= 2
	var roots []*aio.Task[int]
	var leaves []int
	for range 4 {
		j := s.job(4)
		task := aio.CreateTask(ctx, j.run)
		roots, leaves = append(roots, task), append(leaves, j.leaves)
		if cancels && s.rng.IntN(2) == 0 {
			aio.RunningLoop(ctx).CallLater(s.delay(), func() {
				if task.Cancel(errReason) {
					s.requested[task] = true
				}
			})
		}
	}
	s.end(ctx, roots)
	for i, task := range roots {
		v, err := task.Result()
		switch {
		case err == nil:
			if v != leaves[i] {
				s.errorf("root %d returned %d, want %d", i, v, leaves[i])
			}
		case task.Cancelled():
			if !s.requested[task] {
				s.errorf("nobody asked root %d to end: %v", i, err)
			}
		case !s.failures && !s.requested[task]:
			s.errorf("root %d failed: %v", i, err)
		case !errors.Is(err, errBoom) && !errors.Is(err, context.DeadlineExceeded):
			s.errorf("root %d failed with something that nobody returned: %v", i, err)
		}
	}
	if left := aio.AllTasks(ctx); len(left) != 1 {
		s.errorf("tasks are left: %v", left)
	}
	if s.lock.Locked() || s.inside != 0 {
		s.errorf("the lock is still held")
	}
	return nil
}
