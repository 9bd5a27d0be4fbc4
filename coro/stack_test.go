package coro_test

import (
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/aio-go/aio/coro"
)

// job is a function as a Job.
type job func(s *coro.Stack) coro.Job

func (j job) Run(s *coro.Stack) coro.Job { return j(s) }

func TestAPoolUsesAStackAgain(t *testing.T) {
	pool := &coro.Pool{Max: 1}
	defer pool.Close()
	var used []*coro.Stack
	note := job(func(s *coro.Stack) coro.Job {
		used = append(used, s)
		s.Local = len(used)
		return nil
	})
	for range 3 {
		pool.Take(note).Resume()
	}
	if used[0] != used[1] || used[1] != used[2] || used[2].Local != 3 || pool.Idle() != 1 {
		t.Fatalf("stacks %v, local %v, %d idle", used, used[2].Local, pool.Idle())
	}
}

func TestAJobHandsOnToTheNextOnTheSameStack(t *testing.T) {
	pool := &coro.Pool{}
	var log []string
	var first *coro.Stack
	second := job(func(s *coro.Stack) coro.Job {
		log = append(log, fmt.Sprint("second, same stack: ", s == first))
		s.Suspend()
		log = append(log, "second again")
		return nil
	})
	s := pool.Take(job(func(s *coro.Stack) coro.Job {
		first = s
		log = append(log, "first")
		return second
	}))
	s.Resume()
	log = append(log, "outside")
	s.Resume()
	want := []string{"first", "second, same stack: true", "outside", "second again"}
	if !slices.Equal(log, want) || pool.Idle() != 0 {
		t.Fatalf("got %v with %d idle, want %v", log, pool.Idle(), want)
	}
}

// suspended returns n stacks of the pool that wait in a job.
func suspended(pool *coro.Pool, n int) (live []*coro.Stack) {
	for range n {
		s := pool.Take(job(func(s *coro.Stack) coro.Job {
			s.Suspend()
			return nil
		}))
		s.Resume()
		live = append(live, s)
	}
	return live
}

func TestAPoolKeepsNoMoreThanItsMaximum(t *testing.T) {
	pool := &coro.Pool{Max: 2}
	live := suspended(pool, 5)
	for i, s := range live {
		s.Resume()
		if want := min(i+1, 2); pool.Idle() != want {
			t.Fatalf("after %d jobs the pool keeps %d stacks, want %d", i+1, pool.Idle(), want)
		}
	}
	pool.Close()
	if pool.Idle() != 0 {
		t.Fatalf("%d stacks are idle after Close", pool.Idle())
	}
}

func TestPeekTellsWhichStackTakeReturns(t *testing.T) {
	pool := &coro.Pool{Max: 3}
	defer pool.Close()
	for _, s := range suspended(pool, 3) {
		s.Resume()
	}
	var peeked, taken []*coro.Stack
	for i := range 4 {
		peeked = append(peeked, pool.Peek(i))
	}
	for range 3 {
		s := pool.Take(job(func(*coro.Stack) coro.Job { return nil }))
		taken = append(taken, s)
	}
	if peeked[3] != nil || !slices.Equal(peeked[:3], taken) {
		t.Errorf("Peek returns %v, and then Take %v", peeked, taken)
	}
	for _, s := range taken {
		s.Resume()
	}
}

func TestTrimEndsHalfOfTheStacksThatHadNoJob(t *testing.T) {
	pool := &coro.Pool{Max: 100, Min: 4}
	defer pool.Close()
	use := func(n int) {
		for _, s := range suspended(pool, n) {
			s.Resume()
		}
	}
	use(40)
	for i, step := range []struct{ use, most, want int }{
		{0, 100, 40},  // all had a job since the pool was made
		{40, 100, 40}, // all had one again
		{30, 100, 35}, // ten had none
		{0, 5, 30},    // five at most
		{0, 100, 15},
		{0, 100, 7},
		{0, 100, 4}, // Min
		{0, 100, 4},
	} {
		use(step.use)
		pool.Trim(step.most)
		if pool.Idle() != step.want {
			t.Errorf("step %d: %d stacks are kept, want %d", i, pool.Idle(), step.want)
		}
	}
}

func TestAStackThatWasInUseWhenThePoolWasClosedEndsWithItsJob(t *testing.T) {
	pool := &coro.Pool{Max: 2}
	s := pool.Take(job(func(s *coro.Stack) coro.Job {
		s.Suspend()
		return nil
	}))
	s.Resume()
	pool.Close()
	s.Resume()
	if pool.Idle() != 0 {
		t.Fatalf("%d stacks are idle", pool.Idle())
	}
}

func TestAStackThatAGoexitUnwoundIsBuried(t *testing.T) {
	pool := &coro.Pool{Max: 2}
	defer pool.Close()
	exits := 0
	var suspended []*coro.Stack
	for range 3 {
		s := pool.Take(job(func(s *coro.Stack) coro.Job {
			defer func() {
				s.Suspend() // a deferred function may still wait
				exits++
			}()
			runtime.Goexit()
			return nil
		}))
		s.Resume()
		suspended = append(suspended, s)
	}
	if pool.Dying() || exits != 0 {
		t.Fatalf("dying = %v, %d ended, before the deferred functions went on", pool.Dying(), exits)
	}
	for _, s := range suspended {
		s.Resume()
	}
	if !pool.Dying() || exits != 3 {
		t.Fatalf("dying = %v, %d ended, after the deferred functions went on", pool.Dying(), exits)
	}
	pool.Bury()
	if pool.Dying() || pool.Idle() != 0 {
		t.Fatalf("dying = %v, %d idle after Bury", pool.Dying(), pool.Idle())
	}
}
