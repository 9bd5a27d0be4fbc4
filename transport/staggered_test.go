package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// racers makes candidates and records their events.
type racers struct {
	loop      *aio.Loop
	began     time.Time
	log       []string
	discarded []string
}

func (r *racers) note(format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf("%v ", r.loop.Time().Sub(r.began))+fmt.Sprintf(format, args...))
}

// candidate takes d and then returns its name, or err.
func (r *racers) candidate(name string, d time.Duration, err error) aio.Func[string] {
	return func(ctx context.Context) (string, error) {
		r.note("%s starts", name)
		if slept := aio.Sleep(ctx, d); slept != nil {
			r.note("%s is cancelled", name)
			return "", slept
		}
		r.note("%s ends", name)
		return name, err
	}
}

func (r *racers) discard(v string) { r.discarded = append(r.discarded, v) }

func (r *racers) expect(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(r.log, want) {
		t.Errorf("it went\n%q, want\n%q", r.log, want)
	}
}

// inRace runs fn in a loop with a clock of its own.
func inRace(t *testing.T, fn func(ctx context.Context, r *racers)) {
	t.Helper()
	inLoop(t, nil, func(ctx context.Context, e *env) {
		fn(ctx, &racers{loop: e.loop, began: e.loop.Time()})
		if n := len(e.loop.AllTasks()); n != 1 {
			t.Errorf("%d tasks are left, want the main task alone", n)
		}
	}, aio.WithClock(aio.NewVirtualClock()))
}

var errOne, errTwo = errors.New("one"), errors.New("two")

// Conformance: ST-001.
func TestARaceWithoutCandidatesHasNoWinnerAndNoErrors(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		race, err := Staggered(ctx, time.Second, r.discard)
		if err != nil || race.Winner != -1 || race.Value != "" || len(race.Errs) != 0 {
			t.Errorf("got %+v, %v", race, err)
		}
	})
}

// Conformance: ST-002.
func TestTheSecondCandidateNeverStartsWhenTheFirstSucceeds(t *testing.T) {
	for _, delay := range []time.Duration{0, time.Second} {
		inRace(t, func(ctx context.Context, r *racers) {
			race, err := Staggered(ctx, delay, r.discard,
				r.candidate("a", 0, nil), r.candidate("b", 0, nil))
			if err != nil || race.Winner != 0 || race.Value != "a" ||
				!slices.Equal(race.Errs, []error{nil}) {
				t.Errorf("got %+v, %v", race, err)
			}
			r.expect(t, "0s a starts", "0s a ends")
		})
	}
}

// Conformance: ST-004.
func TestASlowCandidateLosesAgainstTheNextAndIsCancelled(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		race, err := Staggered(ctx, time.Second, r.discard,
			r.candidate("a", 10*time.Second, nil), r.candidate("b", 2*time.Second, nil),
			r.candidate("c", 9*time.Second, nil), r.candidate("d", 0, nil))
		if err != nil || race.Winner != 1 || race.Value != "b" || len(race.Errs) != 3 {
			t.Fatalf("got %+v, %v", race, err)
		}
		if !errors.Is(race.Errs[0], aio.ErrCancelled) || race.Errs[1] != nil ||
			!errors.Is(race.Errs[2], aio.ErrCancelled) {
			t.Errorf("errors %v", race.Errs)
		}
		r.expect(t, "0s a starts", "1s b starts", "2s c starts", "3s b ends", "3s a is cancelled",
			"3s c is cancelled")
	})
}

// Conformance: ST-005.
func TestARaceThatAllLoseReturnsAllErrorsInOrder(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		race, err := Staggered(ctx, time.Second, r.discard,
			r.candidate("a", 3*time.Second, errOne), r.candidate("b", time.Second/2, errTwo))
		if err != nil || race.Winner != -1 || race.Value != "" ||
			!slices.Equal(race.Errs, []error{errOne, errTwo}) {
			t.Errorf("got %+v, %v", race, err)
		}
		r.expect(t, "0s a starts", "1s b starts", "1.5s b ends", "3s a ends")
	})
}

func TestAFailureStartsTheNextCandidateAtOnce(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		race, err := Staggered(ctx, time.Second, r.discard,
			r.candidate("a", time.Second/4, errOne), r.candidate("b", time.Second/4, nil))
		if err != nil || race.Winner != 1 || race.Value != "b" ||
			!slices.Equal(race.Errs, []error{errOne, nil}) {
			t.Errorf("got %+v, %v", race, err)
		}
		r.expect(t, "0s a starts", "250ms a ends", "250ms b starts", "500ms b ends")
	})
}

func TestWithoutADelayEachWaitsForTheFailureOfTheOneBefore(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		race, err := Staggered(ctx, -time.Second, r.discard,
			r.candidate("a", 50*time.Second, errOne), r.candidate("b", time.Second, nil))
		if err != nil || race.Winner != 1 {
			t.Errorf("got %+v, %v", race, err)
		}
		r.expect(t, "0s a starts", "50s a ends", "50s b starts", "51s b ends")
	})
}

// stubborn ignores its cancellation and succeeds when d is over.
func (r *racers) stubborn(name string, d time.Duration) aio.Func[string] {
	return func(ctx context.Context) (string, error) {
		job := aio.CreateTask(r.loop.Context(), r.candidate(name, d, nil))
		if _, err := aio.Shield(ctx, job); err != nil {
			return job.Await(context.WithoutCancel(ctx))
		}
		return job.Result()
	}
}

func TestTheValueOfALoserIsDiscarded(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		race, err := Staggered(ctx, time.Second, r.discard,
			r.stubborn("a", 5*time.Second), r.candidate("b", time.Second, nil))
		if err != nil || race.Winner != 1 || !errors.Is(race.Errs[0], aio.ErrCancelled) {
			t.Errorf("got %+v, %v", race, err)
		}
		if !slices.Equal(r.discarded, []string{"a"}) {
			t.Errorf("discarded %q", r.discarded)
		}
		r.expect(t, "0s a starts", "1s b starts", "2s b ends", "5s a ends")
	})
}

func TestACancelledRaceCancelsItsCandidates(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		err := aio.Timeout(ctx, 3*time.Second, func(ctx context.Context) error {
			race, err := Staggered(ctx, time.Second, r.discard,
				r.candidate("a", 10*time.Second, nil), r.candidate("b", 10*time.Second, nil))
			if race.Winner != -1 || race.Value != "" {
				t.Errorf("got %+v", race)
			}
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || len(r.discarded) != 0 {
			t.Errorf("got %v, discarded %q", err, r.discarded)
		}
		r.expect(t, "0s a starts", "1s b starts", "3s a is cancelled", "3s b is cancelled")
	})
}

func TestARaceThatIsCancelledAfterItWasWonDiscardsTheWinner(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		err := aio.Timeout(ctx, 3*time.Second, func(ctx context.Context) error {
			race, err := Staggered(ctx, time.Second, r.discard,
				r.stubborn("a", 5*time.Second), r.candidate("b", time.Second, nil))
			if !errors.Is(err, aio.ErrCancelled) || race.Winner != -1 || race.Value != "" {
				t.Errorf("got %+v, %v", race, err)
			}
			return err
		})
		if !errors.Is(err, context.DeadlineExceeded) || !slices.Equal(r.discarded, []string{"a", "b"}) {
			t.Errorf("got %v, discarded %q", err, r.discarded)
		}
	})
}

func TestAPanicOfACandidateEndsTheRaceAndIsRaisedAgain(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		defer func() {
			if p, ok := recover().(*aio.PanicError); !ok || p.Value != "boom" {
				t.Errorf("got %v, want the panic", p)
			}
			r.expect(t, "0s a starts", "1s a is cancelled")
		}()
		Staggered(ctx, time.Second, r.discard, r.candidate("a", 10*time.Second, nil),
			func(context.Context) (string, error) { panic("boom") })
	})
}

func TestAPanicAfterTheRaceIsWonDiscardsTheWinner(t *testing.T) {
	inRace(t, func(ctx context.Context, r *racers) {
		defer func() {
			if p, ok := recover().(*aio.PanicError); !ok || p.Value != "boom" {
				t.Errorf("got %v, want the panic", p)
			}
			if !slices.Equal(r.discarded, []string{"b"}) {
				t.Errorf("discarded %q", r.discarded)
			}
		}()
		Staggered(ctx, time.Second, r.discard, func(ctx context.Context) (string, error) {
			aio.Sleep(ctx, time.Minute)
			panic("boom")
		}, r.candidate("b", time.Second, nil))
	})
}
