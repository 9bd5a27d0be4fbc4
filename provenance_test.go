package aio_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

var lineNumber = regexp.MustCompile(`:\d+`)

// unnumbered takes the line numbers out, which change with every edit.
func unnumbered(lines ...string) []string {
	for i, s := range lines {
		lines[i] = lineNumber.ReplaceAllString(s, "")
	}
	return lines
}

func TestACancellationTellsTheBlocksThatItCameThroughOnItsWayIntoATask(t *testing.T) {
	var met *aio.CancelledError
	err := runErr(t, func(ctx context.Context) error {
		return aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
						g.Go(func(ctx context.Context) error {
							err := aio.Sleep(ctx, time.Hour)
							errors.As(err, &met)
							return err
						})
						return nil
					})
				})
				return nil
			})
		})
	})
	if !errors.Is(err, context.DeadlineExceeded) || met == nil {
		t.Fatalf("got %v, and the task met %v", err, met)
	}
	const file = "provenance_test.go"
	if got, want := unnumbered(met.Through()...), []string{"Group at " + file, "Group at " + file}; !slices.Equal(got, want) {
		t.Errorf("through %q, want %q", got, want)
	}
	want := "cancelled by Timeout at provenance_test.go, through Group at provenance_test.go, Group at provenance_test.go: took longer than 1s"
	if got := unnumbered(met.Error())[0]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestACancellationTellsTheTasksThatPassedItOnByAwaiting(t *testing.T) {
	var met *aio.CancelledError
	run(t, func(ctx context.Context) error {
		leaf := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
			err := aio.Sleep(ctx, time.Hour)
			errors.As(err, &met)
			return 0, err
		})
		gathering := aio.CreateTask(ctx, func(ctx context.Context) ([]int, error) { return aio.Gather(ctx, leaf) }, aio.Name("gatherer"))
		top := aio.CreateTask(ctx, gathering.Await, aio.Name("top"))
		aio.Yield(ctx)
		aio.Yield(ctx)
		top.Cancel(errors.New("enough"))
		if _, err := top.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("top: %v", err)
		}
		return nil
	})
	if met == nil {
		t.Fatal("the leaf was not cancelled")
	}
	if want := []string{"Task.Await in top", "Gather in gatherer"}; !slices.Equal(met.Through(), want) {
		t.Errorf("through %q, want %q", met.Through(), want)
	}
	want := "cancelled by task main at provenance_test.go, through Task.Await in top, Gather in gatherer: enough"
	if got := unnumbered(met.Error())[0]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestARequestThatMeetsItsOwnTaskHasComeThroughNothing(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
		aio.Yield(ctx)
		task.Cancel(nil)
		_, err := task.Await(ctx)
		var met *aio.CancelledError
		if !errors.As(err, &met) || len(met.Through()) != 0 {
			t.Errorf("got %v, through %q", err, met.Through())
		}
		return nil
	})
}

func TestASnapshotShowsWhatACancellationCameThrough(t *testing.T) {
	run(t, func(ctx context.Context) error {
		inside := aio.NewFuture[int](aio.RunningLoop(ctx))
		return ignore(aio.Timeout(ctx, time.Second, func(ctx context.Context) error {
			return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
				g.Go(func(ctx context.Context) error {
					aio.Sleep(ctx, time.Hour)
					inside.SetResult(1)
					return aio.Sleep(context.WithoutCancel(ctx), time.Second) // slow cleanup
				}, aio.Name("slow"))
				g.Go(func(ctx context.Context) error {
					inside.Await(context.WithoutCancel(ctx))
					i := infoOf(t, aio.RunningLoop(ctx).Snapshot(false), "slow")
					if i.Cancel == nil || !slices.Equal(unnumbered(i.Cancel.Through...), []string{"Group at provenance_test.go"}) {
						t.Errorf("got %+v", i.Cancel)
					}
					return nil
				})
				return nil
			})
		}), context.DeadlineExceeded)
	})
}

// ignore returns err unless it is one that was to be expected.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
