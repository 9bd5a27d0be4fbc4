package aiosync_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// borrower starts a task that borrows a token, writes its name down, and gives the token back when
// the event is set.
func borrower(ctx context.Context, l *aiosync.Limiter, log *journal, name string, end *aiosync.Event) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		return l.With(ctx, func(ctx context.Context) error {
			log.Add("%s", name)
			return end.Wait(ctx)
		})
	}, aio.Name(name))
}

func TestALimiterKnowsItsBorrowersAndServesOthersInTurn(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(2)
		var log journal
		ends := map[string]*aiosync.Event{}
		for _, name := range []string{"a", "b", "c", "d"} {
			ends[name] = &aiosync.Event{}
			borrower(ctx, l, &log, name, ends[name])
		}
		turns(ctx, 1)
		log.Want(t, "a", "b")
		s := l.Statistics()
		if !slices.Equal(s.Borrowers, []string{"a", "b"}) || s.Borrowed != 2 || s.Total != 2 || s.Waiting != 2 || l.Available() != 0 {
			t.Errorf("%+v", s)
		}
		ends["b"].Set()
		turns(ctx, 2)
		log.Want(t, "a", "b", "c")
		if got, want := l.String(), "<Limiter 2 of 2 lent to a, c, waiters:1>"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		for _, name := range []string{"a", "c", "d"} {
			ends[name].Set()
		}
		turns(ctx, 3)
		if got, want := l.String(), "<Limiter 0 of 2>"; got != want || l.Available() != 2 {
			t.Errorf("got %s, want %s", got, want)
		}
		return nil
	})
}

func TestATokenOfATaskThatIsCancelledBeforeItGoesOnGoesToTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		var log journal
		var end aiosync.Event
		l.Acquire(ctx)
		a := borrower(ctx, l, &log, "a", &end)
		b := borrower(ctx, l, &log, "b", &end)
		turns(ctx, 1)
		l.Release()
		a.Cancel(nil)
		turns(ctx, 2)
		log.Want(t, "b")
		b.Cancel(nil)
		turns(ctx, 1)
		if !a.Cancelled() || !b.Cancelled() || l.Available() != 1 {
			t.Errorf("%v, %v, %v", a, b, l)
		}
		return nil
	})
}

func TestTheNumberOfTokensCanBeChanged(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		var log journal
		var end aiosync.Event
		for _, name := range []string{"a", "b", "c"} {
			borrower(ctx, l, &log, name, &end)
		}
		turns(ctx, 1)
		l.SetTotal(2)
		turns(ctx, 1)
		log.Want(t, "a", "b")
		l.SetTotal(1)
		if l.Total() != 1 || l.Available() != 0 {
			t.Errorf("%v", l)
		}
		end.Set()
		turns(ctx, 1)
		log.Want(t, "a", "b")
		turns(ctx, 1)
		log.Want(t, "a", "b", "c")
		return nil
	})
}

func TestABorrowerNeedNotBeATask(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		var log journal
		if err := l.AcquireFor(ctx, "connection 1"); err != nil {
			return err
		}
		aio.Start(ctx, func(ctx context.Context) error {
			err := l.AcquireFor(ctx, "connection 2")
			log.Add("%v", l)
			return err
		})
		turns(ctx, 1)
		wantPanic(t, func() { l.AcquireFor(ctx, "connection 2") }, "aio: Limiter.AcquireFor", "waits for one already")
		aio.RunningLoop(ctx).CallSoon(func() { l.ReleaseFor("connection 1") })
		turns(ctx, 2)
		log.Want(t, "<Limiter 1 of 1 lent to connection 2>")
		l.ReleaseFor("connection 2")

		task := aio.CurrentTask(ctx)
		l.AcquireFor(ctx, task) // the same as Acquire
		l.Release()
		return nil
	})
}

func TestALimiterRefusesMisuse(t *testing.T) {
	wantPanic(t, func() { aiosync.NewLimiter(0) }, "aio: NewLimiter", "1 or more")
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(2)
		wantPanic(t, l.Release, "aio: Limiter.Release", "no task")
		l.Acquire(ctx)
		wantPanic(t, func() { l.Acquire(ctx) }, "aio: Limiter.Acquire", "has a token")
		l.Release()
		wantPanic(t, l.Release, "aio: Limiter.Release", "has no token")
		wantPanic(t, func() { l.ReleaseFor("nobody") }, "aio: Limiter.ReleaseFor", "has no token")
		wantPanic(t, func() { l.ReleaseFor(nil) }, "nil")
		wantPanic(t, func() { l.SetTotal(0) }, "aio: Limiter.SetTotal", "1 or more")
		wantPanic(t, func() { new(aiosync.Limiter).Acquire(ctx) }, "NewLimiter")
		return nil
	})
}

// passers starts n tasks that note when the rate limiter lets them pass.
func passers(ctx context.Context, r *aiosync.RateLimiter, log *journal, start time.Time, n int) []*aio.Task[aio.None] {
	var tasks []*aio.Task[aio.None]
	for i := range n {
		tasks = append(tasks, aio.Start(ctx, func(ctx context.Context) error {
			if err := r.Acquire(ctx); err != nil {
				return err
			}
			log.Add("%d at %v", i, aio.RunningLoop(ctx).Time().Sub(start))
			return nil
		}))
	}
	return tasks
}

func TestARateLimiterLetsABurstPassAndThenOneAtATime(t *testing.T) {
	run(t, func(ctx context.Context) error {
		r := aiosync.NewRateLimiter(2, time.Second)
		var log journal
		start := aio.RunningLoop(ctx).Time()
		_, err := aio.Gather(ctx, passers(ctx, r, &log, start, 5)...)
		log.Want(t, "0 at 0s", "1 at 0s", "2 at 500ms", "3 at 1s", "4 at 1.5s")
		if err != nil {
			return err
		}
		aio.Sleep(ctx, time.Hour) // it saves up two, not more
		log = nil
		_, err = aio.Gather(ctx, passers(ctx, r, &log, aio.RunningLoop(ctx).Time(), 4)...)
		log.Want(t, "0 at 0s", "1 at 0s", "2 at 500ms", "3 at 1s")
		return err
	})
}

func TestTheTurnOfATaskThatIsCancelledGoesToTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		r := aiosync.NewRateLimiter(1, time.Second)
		var log journal
		start := aio.RunningLoop(ctx).Time()
		tasks := passers(ctx, r, &log, start, 4)
		turns(ctx, 1)
		tasks[1].Cancel(nil)                                 // in line
		aio.RunningLoop(ctx).CallLater(time.Second, func() { // when it has been called, and not gone on yet
			tasks[2].Cancel(nil)
		})
		_, err := tasks[3].Await(ctx)
		log.Want(t, "0 at 0s", "3 at 1s")
		if !tasks[1].Cancelled() || !tasks[2].Cancelled() || r.Statistics().Waiting != 0 {
			t.Errorf("%v, %v, %v", tasks[1], tasks[2], r)
		}
		return err
	})
}

func TestARateLimiterWithoutWaitersLeavesNoTimer(t *testing.T) {
	run(t, func(ctx context.Context) error {
		r := aiosync.NewRateLimiter(1, time.Hour)
		start := aio.RunningLoop(ctx).Time()
		tasks := passers(ctx, r, new(journal), start, 2)
		turns(ctx, 1)
		if got, want := r.String(), "<RateLimiter 1 per 1h0m0s, waiters:1>"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		tasks[1].Cancel(nil)
		aio.Sleep(ctx, time.Minute)
		if d := aio.RunningLoop(ctx).Time().Sub(start); d != time.Minute {
			t.Errorf("a minute took %v", d)
		}
		return nil
	})
}

func TestARateLimiterRefusesMisuse(t *testing.T) {
	wantPanic(t, func() { aiosync.NewRateLimiter(0, time.Second) }, "aio: NewRateLimiter", "positive")
	wantPanic(t, func() { aiosync.NewRateLimiter(1, 0) }, "aio: NewRateLimiter", "positive")
	run(t, func(ctx context.Context) error {
		wantPanic(t, func() { new(aiosync.RateLimiter).Acquire(ctx) }, "NewRateLimiter")
		return nil
	})
}
