package suite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// chooserFunc is a chooser made of a function.
type chooserFunc func(what aio.Choice, n int) int

func (f chooserFunc) Choose(what aio.Choice, n int) int { return f(what, n) }

var (
	fifo = chooserFunc(func(aio.Choice, int) int { return 0 })
	lifo = chooserFunc(func(_ aio.Choice, n int) int { return n - 1 })
)

func seeded(seed uint64) aio.Chooser {
	r := rand.New(rand.NewPCG(seed, 1))
	return chooserFunc(func(_ aio.Choice, n int) int { return r.IntN(n) })
}

func TestALIFOChooserReversesTheReadyQueue(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		for i := range 5 {
			aio.RunningLoop(ctx).CallSoon(func() { j.Add("callback %d", i) })
		}
		for i := range 3 {
			aio.Start(ctx, func(context.Context) error { j.Add("task %d", i); return nil })
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		j.Want(t, "task 2", "task 1", "task 0", "callback 4", "callback 3", "callback 2", "callback 1",
			"callback 0")
		return nil
	}, aio.WithChooser(lifo))
}

func TestALIFOChooserReversesTimersWithTheSameDeadlineOnly(t *testing.T) {
	var j journal
	choices := map[aio.Choice]int{}
	chooser := chooserFunc(func(what aio.Choice, n int) int {
		if choices[what]++; what == aio.ChooseTimer {
			return n - 1
		}
		return 0
	})
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		at := l.Time().Add(time.Second)
		for i := range 3 {
			l.CallAt(at, func() { j.Add("second %d", i) })
			l.CallAt(at.Add(-time.Millisecond), func() { j.Add("first %d", i) })
		}
		return aio.Sleep(ctx, time.Minute)
	}, aio.WithChooser(chooser))
	j.Want(t, "first 2", "first 1", "first 0", "second 2", "second 1", "second 0")
	if choices[aio.ChooseTimer] != 4 || choices[aio.ChooseEvent]+choices[aio.ChoosePost] != 0 {
		t.Errorf("choices: %v", choices)
	}
}

func TestALIFOChooserReversesPosts(t *testing.T) {
	var j journal
	chooser := chooserFunc(func(what aio.Choice, n int) int {
		if what == aio.ChoosePost {
			return n - 1
		}
		return 0
	})
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for i := range 3 {
				l.CallSoonThreadsafe(func() { j.Add("post %d", i) })
			}
		}()
		<-sent
		return aio.Sleep(ctx, time.Second)
	}, aio.WithChooser(chooser))
	j.Want(t, "post 2", "post 1", "post 0")
}

// With three callbacks ready there are six orders: each sequence of answers gives its own.
func TestEveryAnswerOfAChooserIsHonoured(t *testing.T) {
	orders := map[string]bool{}
	for first := range 3 {
		for second := range 2 {
			var order string
			answers := []int{first, second}
			chooser := chooserFunc(func(what aio.Choice, n int) int {
				if len(answers) == 0 || n != len(answers)+1 {
					t.Fatalf("asked for %v of %d when %d answers were left", what, n, len(answers))
				}
				answer := answers[0]
				answers = answers[1:]
				return answer
			})
			run(t, func(ctx context.Context) error {
				for _, name := range []string{"a", "b", "c"} {
					aio.RunningLoop(ctx).CallSoon(func() { order += name })
				}
				return aio.Sleep(ctx, time.Second)
			}, aio.WithChooser(chooser))
			want := []string{"a", "b", "c"}
			got := want[first]
			want = slices.Delete(want, first, first+1)
			got += want[second] + want[1-second]
			if order != got {
				t.Errorf("answers %d, %d: order %s, want %s", first, second, order, got)
			}
			orders[order] = true
		}
	}
	if len(orders) != 6 {
		t.Errorf("orders: %v", orders)
	}
}

func TestAWrongAnswerOfAChooserPanicsAndLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, answer := range []int{-1, 2, 100} {
		wrong := chooserFunc(func(_ aio.Choice, n int) int {
			if n == 2 {
				return answer
			}
			return 0
		})
		wantPanic(t, func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				aio.Start(ctx, forever)
				aio.Start(ctx, forever)
				return forever(ctx)
			}, aio.WithChooser(wrong), aio.WithClock(aio.NewVirtualClock()), (&reports{}).Option())
		}, "aio: Chooser.Choose: the answer is not between 0 and n-1")
	}
	wantGoroutines(t, before)
}

func TestChoicesHaveNames(t *testing.T) {
	s := fmt.Sprint(aio.ChooseReady, aio.ChooseTimer, aio.ChooseEvent, aio.ChoosePost)
	if s != "ready timer event post" {
		t.Error(s)
	}
}

// programs whose results do not depend on the order of steps, though that is chosen at random.
var orderless = map[string]func(ctx context.Context) (string, error){
	"a sum by a queue": func(ctx context.Context) (string, error) {
		q := aiosync.NewQueue[int](3)
		sum := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for i := range 4 {
				g.Go(func(ctx context.Context) error {
					for n := range 25 {
						if err := q.Put(ctx, i*25+n); err != nil {
							return err
						}
					}
					return nil
				})
				g.Go(func(ctx context.Context) error {
					for range 25 {
						n, err := q.Get(ctx)
						if err != nil {
							return err
						}
						sum += n
					}
					return nil
				})
			}
			return nil
		})
		return fmt.Sprint(sum), err
	},
	"a counter under a lock": func(ctx context.Context) (string, error) {
		var l aiosync.Lock
		n := 0
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 10 {
				g.Go(func(ctx context.Context) error {
					return l.With(ctx, func(ctx context.Context) error {
						before := n
						if err := aio.Yield(ctx); err != nil {
							return err
						}
						n = before + 1
						return nil
					})
				})
			}
			return nil
		})
		return fmt.Sprint(n), err
	},
	"gather in the order of the arguments": func(ctx context.Context) (string, error) {
		tasks := make([]*aio.Task[int], 10)
		for i := range tasks {
			tasks[i] = aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
				for range i % 3 {
					if err := aio.Yield(ctx); err != nil {
						return 0, err
					}
				}
				return i, aio.Sleep(ctx, time.Duration(i%2)*time.Second)
			})
		}
		v, err := aio.Gather(ctx, tasks...)
		return fmt.Sprint(v), err
	},
	"cancellations at random times": func(ctx context.Context) (string, error) {
		var ended int
		for i := range 10 {
			task := aio.Start(ctx, func(ctx context.Context) error {
				defer func() { ended++ }()
				return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
					return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
						g.Go(forever)
						g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
						return nil
					})
				})
			}, aio.Eager())
			for range i {
				if err := aio.Yield(ctx); err != nil {
					return "", err
				}
			}
			task.Cancel(nil)
			if _, err := task.Await(ctx); !errors.Is(err, aio.ErrCancelled) {
				return "", fmt.Errorf("not cancelled: %w", err)
			}
		}
		return fmt.Sprint(ended, " ended, ", len(aio.AllTasks(ctx)), " left"), nil
	},
}

func TestProgramsOfAnyOrderGiveTheSameResults(t *testing.T) {
	want := map[string]string{
		"a sum by a queue":                     "4950",
		"a counter under a lock":               "10",
		"gather in the order of the arguments": "[0 1 2 3 4 5 6 7 8 9]",
		"cancellations at random times":        "10 ended, 1 left",
	}
	for name, program := range orderless {
		check := func(how string, opts ...aio.Option) {
			t.Helper()
			run(t, func(ctx context.Context) error {
				got, err := program(ctx)
				if got != want[name] {
					t.Errorf("%s, %s: got %s", name, how, got)
				}
				return err
			}, opts...)
		}
		check("no chooser")
		check("fifo", aio.WithChooser(fifo))
		check("lifo", aio.WithChooser(lifo))
		for seed := range uint64(50) {
			check(fmt.Sprint("seed ", seed), aio.WithChooser(seeded(seed)))
			check(fmt.Sprint("scheduler, seed ", seed), aio.WithScheduler(anyOrder(seed)))
		}
	}
}

func TestTheSameSeedGivesTheSameOrder(t *testing.T) {
	log := func(chooser aio.Chooser) string {
		var j journal
		run(t, func(ctx context.Context) error {
			return scatter(ctx, &j, rand.New(rand.NewPCG(7, 7)),
				3)
		}, aio.WithChooser(chooser))
		return strings.Join(j, "\n")
	}
	first := log(seeded(1))
	if log(seeded(1)) != first {
		t.Error("the same seed, another order")
	}
	if log(seeded(2)) == first {
		t.Error("another seed, the same order")
	}
}
