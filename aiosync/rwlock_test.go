package aiosync_test

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// reader and writer start tasks that take the lock, write their names down and keep the lock.
func reader(ctx context.Context, l *aiosync.RWLock, log *journal, name string) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := l.AcquireRead(ctx); err != nil {
			return err
		}
		log.Add("%s", name)
		return nil
	}, aio.Name(name))
}

func writer(ctx context.Context, l *aiosync.RWLock, log *journal, name string) *aio.Task[aio.None] {
	return aio.Start(ctx, func(ctx context.Context) error {
		if err := l.Acquire(ctx); err != nil {
			return err
		}
		log.Add("%s", name)
		return nil
	}, aio.Name(name))
}

func TestReadersShareTheLockAndAWriterHasItAlone(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.RWLock
		var log journal
		reader(ctx, &l, &log, "r1")
		reader(ctx, &l, &log, "r2")
		writer(ctx, &l, &log, "w")
		turns(ctx, 1)
		log.Want(t, "r1", "r2")
		if l.Locked() || l.Readers() != 2 {
			t.Errorf("%v", &l)
		}
		l.ReleaseRead()
		turns(ctx, 2)
		log.Want(t, "r1", "r2")
		l.ReleaseRead()
		turns(ctx, 1)
		log.Want(t, "r1", "r2", "w")
		if s := l.Statistics(); !s.Writing || s.Writer != "w" || s.Readers != 0 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

func TestAReaderWaitsBehindAWriterThatWaits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.RWLock
		var log journal
		for _, step := range []struct {
			start func(context.Context, *aiosync.RWLock, *journal, string) *aio.Task[aio.None]
			name  string
		}{{reader, "r1"}, {writer, "w1"}, {reader, "r2"}, {reader, "r3"}, {writer, "w2"}, {reader, "r4"}} {
			step.start(ctx, &l, &log, step.name)
		}
		turns(ctx, 1)
		log.Want(t, "r1")
		l.ReleaseRead()
		turns(ctx, 1)
		log.Want(t, "r1", "w1")
		l.Release()
		turns(ctx, 1)
		log.Want(t, "r1", "w1", "r2", "r3")
		l.ReleaseRead()
		turns(ctx, 1)
		log.Want(t, "r1", "w1", "r2", "r3")
		l.ReleaseRead()
		turns(ctx, 1)
		l.Release()
		turns(ctx, 1)
		log.Want(t, "r1", "w1", "r2", "r3", "w2", "r4")
		return nil
	})
}

func TestReadersGoOnWhenTheWriterBeforeThemIsCancelled(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.RWLock
		var log journal
		reader(ctx, &l, &log, "r1")
		w := writer(ctx, &l, &log, "w")
		reader(ctx, &l, &log, "r2")
		reader(ctx, &l, &log, "r3")
		turns(ctx, 1)
		w.Cancel(nil)
		turns(ctx, 2)
		log.Want(t, "r1", "r2", "r3")
		if !w.Cancelled() || l.Readers() != 3 {
			t.Errorf("%v, %v", w, &l)
		}
		return nil
	})
}

func TestALockGivenToATaskThatIsCancelledGoesToTheNext(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.RWLock
		var log journal
		l.Acquire(ctx)
		w1 := writer(ctx, &l, &log, "w1")
		r1 := reader(ctx, &l, &log, "r1")
		writer(ctx, &l, &log, "w2")
		turns(ctx, 1)
		l.Release()
		w1.Cancel(nil) // it has the lock, and does not know it yet
		turns(ctx, 1)
		r1.Cancel(nil)
		turns(ctx, 2)
		log.Want(t, "w2")
		if !w1.Cancelled() || !r1.Cancelled() || !l.Locked() {
			t.Errorf("%v, %v, %v", w1, r1, &l)
		}
		return nil
	})
}

func TestReleasingAnRWLockThatIsNotHeldPanics(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.RWLock
		wantPanic(t, l.Release, "aio: RWLock.Release", "not held for writing", "Acquire")
		wantPanic(t, l.ReleaseRead, "aio: RWLock.ReleaseRead", "not held for reading", "AcquireRead")
		return l.WithRead(ctx, func(context.Context) error {
			wantPanic(t, l.Release, "not held for writing")
			return nil
		})
	})
}

func TestAnRWLockIsPrintedWithItsStateAndWaiters(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.RWLock
		var log journal
		log.Add("%v", &l)
		l.AcquireRead(ctx)
		log.Add("%v", &l)
		writer(ctx, &l, new(journal), "w")
		turns(ctx, 1)
		log.Add("%v", &l)
		l.ReleaseRead()
		log.Add("%v", &l)
		log.Want(t, "<RWLock unlocked>", "<RWLock locked for reading, readers:1>", "<RWLock locked for reading, readers:1, waiters:1>",
			"<RWLock locked for writing>")
		return nil
	})
}
