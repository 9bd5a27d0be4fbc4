package aiosync_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

func TestEverySubscriberGetsEachValueOnePassAfterItWasSent(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBroadcast[int](4)
		var log journal
		for _, name := range []string{"a", "b"} {
			s := b.Subscribe()
			aio.Start(ctx, func(ctx context.Context) error {
				for v, err := range s.All(ctx) {
					if err != nil {
						return err
					}
					log.Add("%s %d", name, v)
				}
				log.Add("%s ends", name)
				return nil
			})
		}
		turns(ctx, 1)
		b.Send(1)
		b.Send(2)
		log.Want(t)
		turns(ctx, 1)
		log.Want(t, "a 1", "a 2", "b 1", "b 2")
		late := b.Subscribe()
		b.Send(3)
		b.Close()
		turns(ctx, 1)
		log.Want(t, "a 1", "a 2", "b 1", "b 2", "a 3", "a ends", "b 3", "b ends")
		if v, err := late.Next(ctx); v != 3 || err != nil || late.Behind() != 0 {
			t.Errorf("the late subscriber got %d, %v", v, err)
		}
		if _, err := late.Next(ctx); !errors.Is(err, aiosync.ErrBroadcastClosed) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestALaggingSubscriberIsToldHowManyValuesItMissed(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBroadcast[int](3)
		s := b.Subscribe()
		for v := range 5 {
			b.Send(v)
		}
		if s.Behind() != 5 {
			t.Errorf("behind %d", s.Behind())
		}
		_, err := s.Next(ctx)
		var lagged *aiosync.LaggedError
		if !errors.As(err, &lagged) || lagged.Missed != 2 {
			t.Fatalf("got %v", err)
		}
		b.Close()
		var got []int
		for v, err := range s.All(ctx) {
			if err != nil {
				return err
			}
			got = append(got, v)
		}
		if !slices.Equal(got, []int{2, 3, 4}) {
			t.Errorf("got %v", got)
		}
		return nil
	})
}

func TestAllGoesOnAfterALag(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBroadcast[int](1)
		s := b.Subscribe()
		b.Send(1)
		b.Send(2)
		b.Close()
		var log journal
		for v, err := range s.All(ctx) {
			log.Add("%d %v", v, err)
		}
		log.Want(t, "0 aio: the subscriber was too slow and missed 1 values", "2 <nil>")
		return nil
	})
}

func TestASubscriberThatIsCancelledLosesNoValue(t *testing.T) {
	run(t, func(ctx context.Context) error {
		b := aiosync.NewBroadcast[int](1)
		s := b.Subscribe()
		w := aio.CreateTask(ctx, s.Next)
		turns(ctx, 1)
		if got, want := b.String(), "<Broadcast size:1, sent:0, waiters:1>"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		b.Send(1)
		w.Cancel(nil) // it has been woken, and does not know it yet
		turns(ctx, 1)
		if v, err := s.Next(ctx); v != 1 || err != nil || !w.Cancelled() {
			t.Errorf("got %d, %v, %v", v, err, w)
		}
		return nil
	})
}

func TestABroadcastRefusesMisuse(t *testing.T) {
	wantPanic(t, func() { aiosync.NewBroadcast[int](0) }, "aio: NewBroadcast", "1 or more")
	wantPanic(t, func() { new(aiosync.Broadcast[int]).Send(1) }, "aio: Broadcast.Send", "NewBroadcast")
	b := aiosync.NewBroadcast[int](1)
	b.Close()
	b.Close()
	wantPanic(t, func() { b.Send(1) }, "aio: Broadcast.Send", "closed")
	if s := b.Statistics(); !s.Closed || s.Size != 1 || s.Sent != 0 {
		t.Errorf("%+v", s)
	}
}

func TestFollowersOfALatestSeeTheNewestValue(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLatest("a")
		var log journal
		w := aio.Start(ctx, func(ctx context.Context) error {
			for v, err := range l.All(ctx) {
				if err != nil {
					return err
				}
				log.Add("%s", v)
			}
			return nil
		})
		turns(ctx, 1)
		log.Want(t, "a")
		if got, want := l.String(), "<Latest a, version:0, waiters:1>"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		l.Set("b")
		l.Set("c")
		turns(ctx, 1)
		log.Want(t, "a", "c")
		if v, version := l.Get(); v != "c" || version != 2 || l.Statistics().Version != 2 {
			t.Errorf("%v", l)
		}
		w.Cancel(errBoom)
		_, err := w.Await(ctx)
		wantCancelled(t, err, errBoom)
		log.Want(t, "a", "c")
		return nil
	})
}

func TestWaitUntilReturnsTheFirstValueThatFits(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Latest[int]
		w := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			return l.WaitUntil(ctx, func(v int) bool { return v > 1 })
		})
		for v := range 4 {
			turns(ctx, 1)
			l.Set(v)
		}
		turns(ctx, 1)
		if v, err := w.Result(); v != 2 || err != nil {
			t.Errorf("got %d, %v", v, err)
		}
		return nil
	})
}

func TestALatestWaitThatIsCancelledKeepsItsVersion(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var l aiosync.Latest[int]
		l.Set(1)
		w := aio.Start(ctx, func(ctx context.Context) error {
			_, seen, err := l.Next(ctx, 1)
			if seen != 1 {
				t.Errorf("seen %d", seen)
			}
			return err
		})
		turns(ctx, 1)
		l.Set(2)
		w.Cancel(nil)
		turns(ctx, 1)
		if v, version, err := l.Next(ctx, 1); v != 2 || version != 2 || err != nil || !w.Cancelled() {
			t.Errorf("got %d, %d, %v, %v", v, version, err, w)
		}
		return nil
	})
}
