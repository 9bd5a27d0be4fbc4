package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/recorder"
)

// recorded runs main under a virtual clock with a recorder and returns what it recorded.
func recorded(t *testing.T, main func(ctx context.Context) error, opts ...recorder.Option) recorder.Recording {
	t.Helper()
	var r recorder.Recording
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		err := main(ctx)
		var off error
		if r, off = recorder.Take(aio.RunningLoop(ctx)); off != nil {
			t.Error(off)
		}
		return err
	}, aio.WithClock(aio.NewVirtualClock()), recorder.On(opts...))
	if err != nil {
		t.Error(err)
	}
	return r
}

// told describes the events, one a line, with their numbers from 1.
func told(r recorder.Recording) string {
	names := map[uint32]string{}
	for _, x := range r.Tasks {
		names[x.ID] = x.Name
	}
	place := map[uint64]int{}
	var b strings.Builder
	for i, e := range r.Events {
		place[e.Number] = i + 1
		fmt.Fprintf(&b, "%d %v %s", i+1, e.T, e.Do)
		for _, text := range []string{names[e.Task], e.Op, e.End} {
			if text != "" {
				fmt.Fprintf(&b, " %s", text)
			}
		}
		if e.By != 0 {
			fmt.Fprintf(&b, " by %d", place[e.By])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func handsOver(ctx context.Context) error {
	var lock aiosync.Lock
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for _, name := range []string{"first", "second"} {
			g.Go(func(ctx context.Context) error {
				return lock.With(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) })
			}, aio.Name(name))
		}
		return nil
	})
}

func TestARecordingSaysWhoRanWhenAndWhoWokeWhom(t *testing.T) {
	r := recorded(t, handsOver)
	want := `1 0s made main
2 0s step main by 1
3 0s made first by 2
4 0s made second by 2
5 0s step first by 3
6 0s step second by 4
7 0s wait
8 1s due
9 1s timer first
10 1s step first Sleep by 9
11 1s end first ok by 10
12 1s step second Lock.Acquire by 10
13 1s wait
14 2s due
15 2s timer second
16 2s step second Sleep by 15
17 2s end second ok by 16
18 2s internal
19 2s step main Group by 18
`
	if got := told(r); got != want {
		t.Errorf("it tells\n%swant\n%s", got, want)
	}
	if r.Lost != 0 || !r.Virtual || r.Loop == 0 || r.Time != time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) {
		t.Errorf("its head is %+v", r)
	}
	if fn := r.Tasks[1].Func; !strings.Contains(fn, "recorder_test.handsOver") {
		t.Errorf("the function of a task is %q", fn)
	}
}

func TestTheClockMayBeGivenAfterTheRecorder(t *testing.T) {
	var r recorder.Recording
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		var err error
		r, err = recorder.Take(aio.RunningLoop(ctx))
		return err
	}, recorder.On(), aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Fatal(err)
	}
	want := `1 0s made main
2 0s step main by 1
3 0s wait
4 1s due
5 1s timer main
6 1s step main Sleep by 5
`
	if got := told(r); got != want {
		t.Errorf("it tells\n%swant\n%s", got, want)
	}
}

func TestATaskThatStartsInsideAnotherHasAStepOfItsOwn(t *testing.T) {
	r := recorded(t, func(ctx context.Context) error {
		gate := aio.NewFuture[int](ctx)
		task := aio.Start(ctx, func(ctx context.Context) error {
			_, err := gate.Await(ctx)
			return err
		}, aio.Name("eager"), aio.Eager())
		if err := gate.SetResult(1); err != nil {
			return err
		}
		_, err := task.Await(ctx)
		return err
	})
	want := `1 0s made main
2 0s step main by 1
3 0s made eager by 2
4 0s step eager by 3
5 0s step main CreateTask by 2
6 0s step eager Future.Await by 5
7 0s end eager ok by 6
8 0s step main Task.Await by 6
`
	if got := told(r); got != want {
		t.Errorf("it tells\n%swant\n%s", got, want)
	}
}

func TestACancellationIsRecordedWithTheOneWhoAsked(t *testing.T) {
	r := recorded(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }, aio.Name("victim"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		task.Cancel(nil)
		if _, err := task.Await(ctx); !task.Cancelled() {
			return err
		}
		return nil
	})
	want := `1 0s made main
2 0s step main by 1
3 0s made victim by 2
4 0s step victim by 3
5 0s step main Yield by 2
6 0s cancel victim by 5
7 0s step victim Sleep by 5
8 0s end victim cancelled by 7
9 0s step main Task.Await by 7
`
	if got := told(r); got != want {
		t.Errorf("it tells\n%swant\n%s", got, want)
	}
}

func TestWhatComesFromOutsideIsRecorded(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	var got recorder.Recording
	err = aio.Run(context.Background(), func(ctx context.Context) error {
		l, read := aio.RunningLoop(ctx), aio.NewFuture[int](ctx)
		fd := r.Fd()
		if err := l.AddReader(fd, func() { l.RemoveReader(fd); _ = read.SetResult(1) }); err != nil {
			return err
		}
		if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { return w.Write([]byte("x")) }); err != nil {
			return err
		}
		if _, err := read.Await(ctx); err != nil {
			return err
		}
		var err error
		got, err = recorder.Take(l)
		return err
	}, recorder.On())
	if errors.Is(err, aio.ErrNoPoller) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	posts, ready := false, false
	for _, e := range got.Events {
		posts = posts || e.Do == recorder.Posts && e.N == 1
		ready = ready || e.Do == recorder.Ready && e.FD == int(r.Fd())
	}
	last := got.Events[len(got.Events)-1]
	if !posts || !ready || last.Do != recorder.Step || last.By == 0 { // either may come first
		t.Errorf("posts %t, ready %t, it tells\n%s", posts, ready, told(got))
	}
	if got.Virtual || time.Since(got.Time) > time.Hour || last.T <= 0 {
		t.Errorf("its times are %v and %v", got.Time, last.T)
	}
}

func TestTurnsOfOneTaskInARowAreOneStep(t *testing.T) {
	r := recorded(t, func(ctx context.Context) error {
		for range 10_000 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if len(r.Events) > 12_000 {
		t.Errorf("%d events", len(r.Events))
	}
}

func TestARingThatIsFullForgetsTheOldestEvents(t *testing.T) {
	r := recorded(t, func(ctx context.Context) error {
		for range 10_000 {
			if _, err := aio.Start(ctx, func(context.Context) error { return nil }).Await(ctx); err != nil {
				return err
			}
		}
		return nil
	}, recorder.Events(1000))
	if n := len(r.Events); n < 512 || n > 1024 || r.Lost < 30_000 {
		t.Errorf("%d events, %d lost", n, r.Lost)
	}
	last := r.Events[len(r.Events)-1]
	if last.Do != recorder.Step || last.Op != "Task.Await" || last.By != last.Number-2 {
		t.Errorf("the last event is %+v", last)
	}
	for i, e := range r.Events[1:] {
		if e.Number <= r.Events[i].Number || e.T < r.Events[i].T || e.By >= e.Number {
			t.Fatalf("after %+v comes %+v", r.Events[i], e)
		}
	}
}

func TestARecordingIsReadAsItWasWritten(t *testing.T) {
	r := recorded(t, handsOver)
	var b bytes.Buffer
	if err := r.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(b.String(), "\n")
	if !strings.HasPrefix(first, `{"aio":"recording","v":1,`) {
		t.Errorf("the first line is %s", first)
	}
	again, err := recorder.Read(&b)
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("%v, it reads\n%+v\nwant\n%+v", err, again, r)
	}
}

func TestWhatIsNoRecordingIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "unexpected EOF",
		"{}\n":                               "line 1: this is no recording",
		`{"aio":"recording","v":7}`:          "line 1: its version is 7, known is 1",
		"{\"aio\":\"recording\",\"v\":1}\nx": "line 2: invalid character",
		strings.Repeat("x", 2<<20):           "token too long",
	} {
		if _, err := recorder.Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

func TestWithoutARecorderThereIsNothingToTake(t *testing.T) {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := recorder.Take(aio.RunningLoop(ctx))
		return err
	})
	if !errors.Is(err, recorder.ErrOff) {
		t.Error(err)
	}
}

// allocations returns how many objects a task that is made and awaited costs, and a Yield.
func allocations(t *testing.T, opts ...aio.Option) (n float64) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		var err error
		n = testing.AllocsPerRun(2000, func() {
			task := aio.Start(ctx, func(ctx context.Context) error { return aio.Yield(ctx) }, aio.Name("named"))
			_, failed := task.Await(ctx)
			err = errors.Join(err, failed)
		})
		return err
	}, opts...)
	if err != nil {
		t.Error(err)
	}
	return n
}

// What it costs in time depends on the machine; that is a matter of benchmarks.
func TestARecorderMakesNoObjects(t *testing.T) {
	without := allocations(t)
	if with := allocations(t, recorder.On()); with != without || without == 0 {
		t.Errorf("a task costs %v objects, and %v without a recorder", with, without)
	}
}
