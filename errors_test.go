package aio_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// ring is an error that wraps itself, in the end.
type ring struct{ next error }

func (r *ring) Error() string { return "ring" }
func (r *ring) Unwrap() error { return r.next }

// rings is one that wraps itself twice.
type rings struct{}

func (r *rings) Error() string   { return "rings" }
func (r *rings) Unwrap() []error { return []error{r, r} }

// wild is one whose methods panic.
type wild struct{}

func (wild) Error() string { panic("wild Error") }
func (wild) Unwrap() error { panic("wild Unwrap") }

func TestErrorsThatContainThemselvesOrPanicEndLikeOthers(t *testing.T) {
	self := &ring{}
	self.next = &ring{self}
	for _, bad := range []error{self, &rings{}, wild{}, fmt.Errorf("in front: %w", self), errors.Join(self, wild{})} {
		t.Run(fmt.Sprintf("%T", bad), func(t *testing.T) {
			var reports []string
			err := aio.Run(context.Background(), func(ctx context.Context) error {
				fails := func(ctx context.Context) error { return bad }
				held := aio.Start(ctx, fails)
				if _, err := held.Await(ctx); err != bad {
					t.Errorf("Await: got %T", err)
				}
				aio.Start(ctx, fails)
				turns(ctx, 3)
				stops := aio.Start(ctx, func(ctx context.Context) error { _ = aio.Sleep(ctx, time.Hour); return bad })
				turns(ctx, 1)
				stops.Cancel(bad)
				if _, err := stops.Await(ctx); err != bad {
					t.Errorf("Await of a task that was cancelled: got %T", err)
				}
				if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error { g.Go(fails); return nil }); err != bad {
					t.Errorf("Group: got %T", err)
				}
				if err := aio.Timeout(ctx, time.Second, fails); err != bad {
					t.Errorf("Timeout: got %T", err)
				}
				if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 0, bad }); err != bad {
					t.Errorf("ToThread: got %T", err)
				}
				_ = aio.RunningLoop(ctx).Snapshot(true)
				aio.RunningLoop(ctx).CallExceptionHandler(aio.Report{Message: "seen", Err: bad})
				return bad
			}, aio.WithClock(aio.NewVirtualClock()), aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r.Message) }))
			if err != bad || len(reports) != 2 {
				t.Errorf("got %T and the reports %q", err, reports)
			}
		})
	}
}

// brokenDesk panics whenever it is asked something.
type brokenDesk struct{}

func (brokenDesk) String() string          { panic("no text") }
func (brokenDesk) Blockers() []aio.TaskRef { panic("nobody") }

func TestABlockerThatPanicsHarmsNobody(t *testing.T) {
	err := runErr(t, func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		waits := func(ctx context.Context) error { return aio.NewWaiter(ctx, "desk.Take", brokenDesk{}).Park() }
		aio.Start(ctx, waits, aio.Name("one"))
		two := aio.Start(ctx, waits, aio.Name("two"))
		turns(ctx, 2)
		if s := loop.Snapshot(false); len(s.Tasks) != 3 || len(s.Tasks[2].WaitsFor) != 0 {
			t.Errorf("got %+v", s.Tasks)
		}
		_ = fmt.Sprint(two)
		_, err := two.Await(ctx)
		return err
	})
	if _, ok := errors.AsType[*aio.DeadlockError](err); !ok {
		t.Errorf("got %v", err)
	}
}
