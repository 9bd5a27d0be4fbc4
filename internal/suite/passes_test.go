package suite_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// passMeter counts passes: a callback that queues itself anew is the first entry of each.
type passMeter struct {
	loop  *aio.Loop
	clock *stepClock
	now   int // the number of this pass
	hooks map[int]func()
	cause int
	seen  int // the pass of the effect
	done  bool
}

// stepClock moves only when it is told to.
type stepClock struct{ now time.Time }

func (c *stepClock) Now() time.Time         { return c.now }
func (c *stepClock) Advance(time.Time) bool { return false }

func (m *passMeter) tick() {
	m.now++
	if m.done {
		return
	}
	m.loop.CallSoon(m.tick)
	if hook := m.hooks[m.now]; hook != nil {
		hook()
	}
}

// causes makes fn happen, as the cause that is measured, some passes from now.
func (m *passMeter) causes(fn func()) {
	m.hooks[m.now+5] = func() {
		m.cause = m.now
		fn()
	}
}

func (m *passMeter) mark()   { m.cause = m.now }
func (m *passMeter) effect() { m.seen = m.now }

// passCases is the number of passes between a cause and its effect. The numbers are CPython's; no
// optimisation may change them.
var passCases = []struct {
	cause  string
	passes int
	run    func(ctx context.Context, m *passMeter) error
}{
	{"a future gets its value: the task that awaits it goes on", 1,
		func(ctx context.Context, m *passMeter) error {
			f := gate(ctx)
			m.causes(func() { open(f) })
			_, err := f.Await(ctx)
			m.effect()
			return err
		}},
	{"a task ends: the task that awaits it goes on", 1, func(ctx context.Context, m *passMeter) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			err := aio.Yield(ctx)
			m.mark()
			return err
		})
		_, err := task.Await(ctx)
		m.effect()
		return err
	}},
	{"Sleep(0) and Yield", 1, func(ctx context.Context, m *passMeter) error {
		m.mark()
		err := aio.Sleep(ctx, 0)
		m.effect()
		return err
	}},
	{"the time of a Sleep is over: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			m.causes(func() { m.clock.now = m.clock.now.Add(time.Second) })
			err := aio.Sleep(ctx, time.Second)
			m.effect()
			return err
		}},
	{"the time of a CallLater is over: it is called", 1,
		func(ctx context.Context, m *passMeter) error {
			f := gate(ctx)
			m.loop.CallLater(time.Second, func() { m.effect(); open(f) })
			m.causes(func() { m.clock.now = m.clock.now.Add(time.Second) })
			_, err := f.Await(ctx)
			return err
		}},
	{"CallSoon: it is called", 1, func(ctx context.Context, m *passMeter) error {
		f := gate(ctx)
		m.mark()
		m.loop.CallSoon(func() { m.effect(); open(f) })
		_, err := f.Await(ctx)
		return err
	}},
	{"CreateTask: its first step", 1, func(ctx context.Context, m *passMeter) error {
		m.mark()
		_, err := aio.Start(ctx, func(context.Context) error { m.effect(); return nil }).Await(ctx)
		return err
	}},
	{"a future gets its value: its done callback is called", 1,
		func(ctx context.Context, m *passMeter) error {
			f, called := gate(ctx), gate(ctx)
			f.AddDoneCallback(func() { m.effect(); open(called) })
			m.causes(func() { open(f) })
			_, err := called.Await(ctx)
			return err
		}},
	{"the last child of a Gather ends: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			a, b := gate(ctx), gate(ctx)
			open(a)
			m.causes(func() { open(b) })
			_, err := aio.Gather(ctx, a, b)
			m.effect()
			return err
		}},
	{"the first child of a Gather fails: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			a, b := gate(ctx), gate(ctx)
			m.causes(func() { b.SetError(errBoom) })
			if _, err := aio.Gather(ctx, a, b); err != errBoom {
				return err
			}
			m.effect()
			return nil
		}},
	{"a Gather of what has ended", 2, func(ctx context.Context, m *passMeter) error {
		a, b := gate(ctx), gate(ctx)
		open(a)
		open(b)
		m.mark()
		_, err := aio.Gather(ctx, a, b)
		m.effect()
		return err
	}},
	{"a Gather of nothing", 0, func(ctx context.Context, m *passMeter) error {
		m.mark()
		_, err := aio.Gather[int, *aio.Task[int]](ctx)
		m.effect()
		return err
	}},
	{"what Wait waits for happens: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			f := gate(ctx)
			m.causes(func() { open(f) })
			_, _, err := aio.Wait(ctx, aio.AllCompleted, f)
			m.effect()
			return err
		}},
	{"a Wait for what has ended", 2, func(ctx context.Context, m *passMeter) error {
		f := gate(ctx)
		open(f)
		m.mark()
		_, _, err := aio.Wait(ctx, aio.AllCompleted, f)
		m.effect()
		return err
	}},
	{"the time of a WaitTimeout is over: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			f := gate(ctx)
			m.causes(func() { m.clock.now = m.clock.now.Add(time.Second) })
			_, _, err := aio.WaitTimeout(ctx, time.Second, aio.AllCompleted, f)
			m.effect()
			return err
		}},
	{"one ends that AsCompleted waits for: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			f := gate(ctx)
			m.causes(func() { open(f) })
			for _, err := range aio.AsCompleted(ctx, f) {
				m.effect()
				if err != nil {
					return err
				}
			}
			return nil
		}},
	{"the shielded ends: the task goes on", 2, func(ctx context.Context, m *passMeter) error {
		f := gate(ctx)
		m.causes(func() { open(f) })
		_, err := aio.Shield(ctx, f)
		m.effect()
		return err
	}},
	{"a Shield of what has ended", 0, func(ctx context.Context, m *passMeter) error {
		f := gate(ctx)
		open(f)
		m.mark()
		_, err := aio.Shield(ctx, f)
		m.effect()
		return err
	}},
	{"the last task of a Group ends: Group returns", 2, func(ctx context.Context, m *passMeter) error {
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				aio.Yield(ctx)
				err := aio.Yield(ctx)
				m.mark()
				return err
			})
			return nil
		})
		m.effect()
		return err
	}},
	{"a Group without tasks", 0, func(ctx context.Context, m *passMeter) error {
		m.mark()
		err := aio.Group(ctx, func(context.Context, *aio.TaskGroup) error { return nil })
		m.effect()
		return err
	}},
	{"a task of a Group fails: its body is interrupted", 2,
		func(ctx context.Context, m *passMeter) error {
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					aio.Yield(ctx)
					m.mark()
					return errBoom
				})
				err := forever(ctx)
				m.effect()
				return err
			})
			if err != errBoom {
				return err
			}
			return nil
		}},
	{"a task of a Group fails: the next one is interrupted", 2,
		func(ctx context.Context, m *passMeter) error {
			err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					aio.Yield(ctx)
					m.mark()
					return errBoom
				})
				g.Go(func(ctx context.Context) error {
					err := forever(ctx)
					m.effect()
					return err
				})
				return nil
			})
			if err != errBoom {
				return err
			}
			return nil
		}},
	{"the time of a Timeout is over: the await in it fails", 2,
		func(ctx context.Context, m *passMeter) error {
			m.causes(func() { m.clock.now = m.clock.now.Add(time.Second) })
			err := aio.Timeout(ctx, time.Second, forever)
			m.effect()
			if !errors.Is(err, context.DeadlineExceeded) {
				return err
			}
			return nil
		}},
	{"the function of a ToThread returns: the task goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			finish := make(chan struct{})
			m.causes(func() {
				close(finish)
				stacks := make([]byte, 1<<20)
				for guard := time.Now().Add(10 * time.Second); time.Now().Before(guard); runtime.Gosched() {
					if !strings.Contains(string(stacks[:runtime.Stack(stacks, true)]), "(*threadJob") {
						break // its goroutine has sent the result and is gone
					}
				}
			})
			err := aio.Blocking(ctx, func(context.Context) error { <-finish; return nil })
			m.effect()
			return err
		}},
	{"a sleeping task is cancelled: it goes on", 1, func(ctx context.Context, m *passMeter) error {
		task := started(ctx, func(ctx context.Context) error {
			err := aio.Sleep(ctx, time.Hour)
			m.effect()
			return err
		})
		m.causes(func() { task.Cancel(nil) })
		task.Await(ctx)
		return nil
	}},
	{"a sleeping task is cancelled: the task that awaits it goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			task := started(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
			m.causes(func() { task.Cancel(nil) })
			task.Await(ctx)
			m.effect()
			return nil
		}},
	{"a task is cancelled before it starts: the task that awaits it goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			task := aio.Start(ctx, forever)
			m.mark()
			task.Cancel(nil)
			task.Await(ctx)
			m.effect()
			return nil
		}},
	{"a task that awaits a sleeping one is cancelled: it goes on", 2,
		func(ctx context.Context, m *passMeter) error {
			task := started(ctx, func(ctx context.Context) error {
				_, err := aio.Start(ctx, forever).Await(ctx)
				m.effect()
				return err
			})
			m.causes(func() { task.Cancel(nil) })
			task.Await(ctx)
			return nil
		}},
	{"a task that gathers sleeping ones is cancelled: it goes on", 3,
		func(ctx context.Context, m *passMeter) error {
			task := started(ctx, func(ctx context.Context) error {
				_, err := aio.Gather(ctx, aio.Start(ctx, forever), aio.Start(ctx, forever))
				m.effect()
				return err
			})
			m.causes(func() { task.Cancel(nil) })
			task.Await(ctx)
			return nil
		}},
	{"a task behind a Shield is cancelled: it goes on", 1,
		func(ctx context.Context, m *passMeter) error {
			f := gate(ctx)
			task := started(ctx, func(ctx context.Context) error {
				_, err := aio.Shield(ctx, f)
				m.effect()
				return err
			})
			m.causes(func() { task.Cancel(nil) })
			task.Await(ctx)
			return nil
		}},
	{"a task in a Wait is cancelled: it goes on", 1, func(ctx context.Context, m *passMeter) error {
		f := gate(ctx)
		task := started(ctx, func(ctx context.Context) error {
			_, _, err := aio.Wait(ctx, aio.AllCompleted, f)
			m.effect()
			return err
		})
		m.causes(func() { task.Cancel(nil) })
		task.Await(ctx)
		return nil
	}},
	{"a lock is released: the first in line has it", 1, func(ctx context.Context, m *passMeter) error {
		var lock aiosync.Lock
		if err := lock.Acquire(ctx); err != nil {
			return err
		}
		m.causes(lock.Release)
		err := lock.Acquire(ctx)
		m.effect()
		return err
	}},
	{"an event is set: those who wait go on", 1, func(ctx context.Context, m *passMeter) error {
		var e aiosync.Event
		m.causes(e.Set)
		err := e.Wait(ctx)
		m.effect()
		return err
	}},
	{"a semaphore is released: the first in line has it", 1,
		func(ctx context.Context, m *passMeter) error {
			s := aiosync.NewSemaphore(0)
			m.causes(s.Release)
			err := s.Acquire(ctx)
			m.effect()
			return err
		}},
	{"an item is put into a queue: the first in line has it", 1,
		func(ctx context.Context, m *passMeter) error {
			q := aiosync.NewQueue[int](0)
			m.causes(func() { q.PutNowait(1) })
			_, err := q.Get(ctx)
			m.effect()
			return err
		}},
}

func TestTheNumberOfPassesBetweenCauseAndEffectIsThatOfAsyncio(t *testing.T) {
	for _, c := range passCases {
		t.Run(c.cause, func(t *testing.T) {
			clock := &stepClock{now: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)}
			run(t, func(ctx context.Context) error {
				m := &passMeter{loop: aio.RunningLoop(ctx), clock: clock, hooks: map[int]func(){}}
				m.loop.CallSoon(m.tick)
				aio.Yield(ctx) // from now on the meter is the first in each pass
				err := c.run(ctx, m)
				m.done = true
				if got := m.seen - m.cause; got != c.passes {
					t.Errorf("%d passes, want %d", got, c.passes)
				}
				return err
			}, aio.WithClock(clock))
		})
	}
}
