package bugs

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
)

func init() {
	add("charged-and-late", "result comes with the time-out and is dropped", chargedAndLate)
	add("retry-new-id", "retry with a new number", retryNewID)
	add("debounce", "call that was due is not cancelled", debounce)
	add("commit-early", "coordinator takes silence for consent", commitEarly)
	add("two-posts", "results of two threads are taken in order", twoPosts)
	add("window", "rare window in a long run", window)
	add("relay", "five steps in one order among noise", relay)
	add("compaction", "reader holds what is replaced", compaction)
	add("late-join", "task is added after the group was counted", lateJoin)
	addCancelled("half-a-pair", "cancelled between two locks", halfAPair)
	addCancelled("undo-twice", "cancelled task undoes what was done by another", undoTwice)
	addCancelled("turn-taker", "cancelled waiter keeps its place in the line", turnTaker)
}

// chargedAndLate asks for a payment below a time-out, and forgets it when the time is over. It may
// have been made at the same moment.
func chargedAndLate(ctx context.Context, t *aiotest.T, fixed bool) error {
	charged, shipped := 0, 0
	answer := aio.NewFuture[int](ctx)
	bank := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 30*time.Millisecond); err != nil {
			return err
		}
		if answer.Done() {
			return nil // nobody waits any more
		}
		charged++
		return answer.SetResult(1)
	}
	shop := func(ctx context.Context) error {
		_, err := aio.WaitFor(ctx, 30*time.Millisecond, answer.Await)
		var late *aio.TimeoutError
		if errors.As(err, &late) {
			if !fixed {
				return nil
			}
			if _, err := answer.Result(); err != nil {
				return nil
			}
		} else if err != nil {
			return err
		}
		shipped++
		return nil
	}
	err := together(ctx, bank, shop)
	if charged != shipped {
		t.Errorf("%d charged, %d shipped", charged, shipped)
	}
	return err
}

// retryNewID sends an order again when the answer is late. With a new number it counts twice.
func retryNewID(ctx context.Context, t *aiotest.T, fixed bool) error {
	seen := map[int]bool{}
	orders, next := 0, 0
	server := func(ctx context.Context, id int) error {
		if seen[id] {
			return nil
		}
		seen[id] = true
		orders++
		return aio.Sleep(ctx, 20*time.Millisecond) // the answer is on its way
	}
	client := func(ctx context.Context) error {
		next++
		id := next
		for range 3 {
			err := aio.Timeout(ctx, 20*time.Millisecond, func(ctx context.Context) error {
				return server(ctx, id)
			})
			var late *aio.TimeoutError
			if !errors.As(err, &late) {
				return err
			}
			if !fixed {
				next++
				id = next
			}
		}
		return nil
	}
	err := client(ctx)
	if err == nil && orders != 1 {
		t.Errorf("%d orders, want 1", orders)
	}
	return err
}

// debounce saves a second after the last key. A save that was due is not taken back.
func debounce(ctx context.Context, t *aiotest.T, fixed bool) error {
	loop := aio.RunningLoop(ctx)
	text, saved, saves := "", "", 0
	var pending *aio.TimerHandle
	key := func(s string) {
		text += s
		if pending != nil && (fixed || loop.Time().Before(pending.When())) {
			pending.Cancel()
		}
		pending = loop.CallLater(time.Second, func() {
			saves++
			saved = text
		})
	}
	key("a")
	if err := aio.Sleep(ctx, time.Second); err != nil {
		return err
	}
	before := saves
	key("b")
	if err := aio.Sleep(ctx, 2*time.Second); err != nil {
		return err
	}
	if saved != "ab" || before == 0 && saves > 1 {
		t.Errorf("%q is saved, %d times", saved, saves)
	}
	return nil
}

// commitEarly commits when no voter has said no in time. A voter that is late says it afterwards.
func commitEarly(ctx context.Context, t *aiotest.T, fixed bool) error {
	yes, no := 0, 0
	vote := func(ok bool) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
				return err
			}
			if ok {
				yes++
			} else {
				no++
			}
			return nil
		}
	}
	committed := false
	coordinate := func(ctx context.Context) error {
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		if fixed {
			committed = yes == 3
		} else {
			committed = no == 0
		}
		return nil
	}
	err := together(ctx, vote(true), vote(false), vote(true), coordinate)
	if committed {
		t.Errorf("committed, with %d votes for it and %d against", yes, no)
	}
	return err
}

// twoPosts writes two records in two threads, and takes the second to be there after the first.
func twoPosts(ctx context.Context, t *aiotest.T, fixed bool) error {
	var log []int
	write := func(n int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			_, err := aio.ToThread(ctx, func(context.Context) (int, error) { return n, nil })
			log = append(log, n)
			return err
		}
	}
	if fixed {
		for n := range 2 {
			if err := write(n)(ctx); err != nil {
				return err
			}
		}
	} else if err := together(ctx, write(0), write(1)); err != nil {
		return err
	}
	if !slices.IsSorted(log) {
		t.Errorf("the log is %v", log)
	}
	return nil
}

// window has 60 rounds of a reader and a writer. Only in the 40th is an update in two parts.
func window(ctx context.Context, t *aiotest.T, fixed bool) error {
	a, b := 0, 0
	var mu aiosync.Lock
	locked := func(ctx context.Context, fn func(ctx context.Context) error) error {
		if fixed {
			return mu.With(ctx, fn)
		}
		return fn(ctx)
	}
	return together(ctx, func(ctx context.Context) error {
		for i := range 60 {
			err := locked(ctx, func(ctx context.Context) error {
				a++
				if i == 40 {
					if err := aio.Yield(ctx); err != nil {
						return err
					}
				}
				b++
				return nil
			})
			if err != nil {
				return err
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	}, func(ctx context.Context) error {
		for range 60 {
			err := locked(ctx, func(context.Context) error {
				if a != b {
					t.Errorf("%d and %d", a, b)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
}

// relay has a fault that shows if two tasks take turns five times, while two others make noise.
func relay(ctx context.Context, t *aiotest.T, fixed bool) error {
	stage := 0
	pass := func(parity int) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			for range 3 {
				if stage%2 != parity {
					stage = 0
				} else if !fixed || stage < 4 {
					stage++
				}
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	noise := func(ctx context.Context) error { return work(ctx, 8) }
	err := together(ctx, noise, pass(1), pass(0), noise)
	if stage == 5 {
		t.Errorf("stage %d is reached", stage)
	}
	return err
}

// compaction writes a new file and deletes the old one, which a reader may have open.
func compaction(ctx context.Context, t *aiotest.T, fixed bool) error {
	current, readers := "log.1", map[string]int{}
	files := map[string]bool{"log.1": true}
	read := func(ctx context.Context) error {
		file := current
		if fixed {
			readers[file]++
			defer func() {
				if readers[file]--; readers[file] == 0 && file != current {
					delete(files, file)
				}
			}()
		}
		for range 2 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			if !files[file] {
				t.Errorf("%s is deleted while it is read", file)
			}
		}
		return nil
	}
	compact := func(ctx context.Context) error {
		if err := work(ctx, 5); err != nil {
			return err
		}
		old := current
		files["log.2"] = true
		current = "log.2"
		if readers[old] == 0 {
			delete(files, old)
		}
		return nil
	}
	return together(ctx, read, compact, read)
}

// lateJoin waits for the tasks that there are. One of them starts another.
func lateJoin(ctx context.Context, t *aiotest.T, fixed bool) error {
	var tasks []*aio.Task[aio.None]
	ended := 0
	visit := func(ctx context.Context) error {
		err := work(ctx, 2)
		ended++
		return err
	}
	crawl := func(ctx context.Context) error {
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		tasks = append(tasks, aio.Start(ctx, visit))
		ended++
		return nil
	}
	tasks = append(tasks, aio.Start(ctx, crawl))
	if err := work(ctx, 4); err != nil {
		return err
	}
	for {
		all := slices.Clone(tasks)
		if _, err := aio.Gather[aio.None](ctx, all...); err != nil {
			return err
		}
		if !fixed || len(all) == len(tasks) {
			break
		}
	}
	if ended != 2 {
		t.Errorf("%d visits have ended, want 2", ended)
	}
	return nil
}

// halfAPair takes two locks. Cancelled at the second it keeps the first.
func halfAPair(ctx context.Context, t *aiotest.T, fixed bool) error {
	var a, b aiosync.Lock
	both := func(ctx context.Context) error {
		if err := a.Acquire(ctx); err != nil {
			return err
		}
		if err := b.Acquire(ctx); err != nil {
			if fixed {
				a.Release()
			}
			return err
		}
		err := aio.Yield(ctx)
		b.Release()
		a.Release()
		return err
	}
	one := aio.Start(ctx, both)
	two := aio.Start(ctx, func(ctx context.Context) error {
		return b.With(ctx, func(ctx context.Context) error { return work(ctx, 3) })
	})
	if _, err := aio.GatherSettled[aio.None](ctx, one, two); err != nil {
		return err
	}
	if a.Locked() || b.Locked() {
		t.Error("a lock is kept")
	}
	return nil
}

// undoTwice books a seat, and gives it back when it is cancelled, also if it was not booked yet.
func undoTwice(ctx context.Context, t *aiotest.T, fixed bool) error {
	free := 2
	var mu aiosync.Lock
	book := func(ctx context.Context) error {
		booked := false
		err := mu.With(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			free--
			booked = true
			return aio.Yield(ctx)
		})
		if err != nil && (booked || !fixed) {
			free++
		}
		return err
	}
	a, b := aio.Start(ctx, book), aio.Start(ctx, book)
	if _, err := aio.GatherSettled[aio.None](ctx, a, b); err != nil {
		return err
	}
	for _, task := range []*aio.Task[aio.None]{a, b} {
		if task.Err() == nil {
			free++
		}
	}
	if free != 2 {
		t.Errorf("%d of 2 seats are free or booked", free)
	}
	return nil
}

// turnTaker gives numbers, and serves them one after the other. Who leaves keeps its number, and
// the rest waits for it.
func turnTaker(ctx context.Context, t *aiotest.T, fixed bool) error {
	next, serving := 0, 0
	gone := map[int]bool{}
	var changed aiosync.Event
	advance := func() {
		serving++
		for gone[serving] {
			serving++
		}
		changed.Set()
	}
	visit := func(ctx context.Context) error {
		mine := next
		next++
		for serving != mine {
			changed.Clear()
			if err := changed.Wait(ctx); err != nil {
				if fixed && serving == mine {
					advance()
				} else if fixed {
					gone[mine] = true
				}
				return err
			}
		}
		defer advance()
		return aio.Yield(ctx)
	}
	a, b, c := aio.Start(ctx, visit), aio.Start(ctx, visit), aio.Start(ctx, visit)
	_, err := aio.GatherSettled[aio.None](ctx, a, b, c)
	return err
}
