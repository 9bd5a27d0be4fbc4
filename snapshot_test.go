package aio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// scene puts a number of tasks into waits of several kinds, and calls look when they have been there for a while.
func scene(t *testing.T, look func(ctx context.Context, l *aio.Loop)) {
	t.Helper()
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var lock aio.Lock
		var full = aio.NewQueue[int](1)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			holder := g.Go(func(ctx context.Context) error {
				return lock.With(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) })
			}, aio.Name("holder"))
			g.Go(lock.Acquire, aio.Name("locker"))
			g.Go(func(ctx context.Context) error {
				return aio.Timeout(ctx, time.Minute, func(ctx context.Context) error {
					return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
						g.Go(forever, aio.Name("grandchild"))
						return nil
					})
				})
			}, aio.Name("parent"))
			g.Go(func(ctx context.Context) error {
				_, err := holder.Await(ctx)
				return err
			}, aio.Name("awaiter"))
			g.Go(func(ctx context.Context) error {
				_, err := aio.NewFuture[int](l).Await(ctx)
				return err
			}, aio.Name("dreamer"))
			full.PutNowait(1)
			g.Go(func(ctx context.Context) error { return full.Put(ctx, 2) }, aio.Name("producer"))
			g.Go(func(ctx context.Context) error {
				forever(ctx) // and does not heed what it is told
				return aio.Sleep(context.WithoutCancel(ctx), time.Minute)
			}, aio.Name("late"))
			if err := aio.Sleep(ctx, 10*time.Second); err != nil {
				return err
			}
			for _, task := range l.AllTasks() {
				if task.Name() == "late" {
					task.Cancel(errors.New("too late"))
				}
			}
			if err := aio.Sleep(ctx, 2*time.Second); err != nil {
				return err
			}
			l.CallSoon(idleCallback)
			g.Go(forever, aio.Name("fresh"))
			look(ctx, l)
			g.Cancel(nil)
			return nil
		})
	})
}

var lineNumbers = regexp.MustCompile(`_test\.go:\d+`)

// golden compares got with the file, in which lines of test files have no numbers. With AIO_UPDATE_GOLDEN=1 it writes the file.
func golden(t *testing.T, file, got string) {
	t.Helper()
	got = lineNumbers.ReplaceAllString(got, "_test.go:N")
	if os.Getenv("AIO_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it differs from %s:\n%s", file, got)
	}
}

func TestASnapshotAsJSONTableAndTree(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		s := l.Snapshot(false)
		var text bytes.Buffer
		for file, write := range map[string]func() error{
			"testdata/snapshot.json":  func() error { return s.WriteJSON(&text) },
			"testdata/snapshot.table": func() error { return s.WriteTable(&text) },
			"testdata/snapshot.tree":  func() error { return s.WriteTree(&text) },
		} {
			text.Reset()
			if err := write(); err != nil {
				t.Error(err)
			}
			golden(t, file, text.String())
		}
		text.Reset()
		s.WriteJSON(&text)
		var back aio.Snapshot
		if err := json.Unmarshal(text.Bytes(), &back); err != nil || len(back.Tasks) != len(s.Tasks) || !back.Time.Equal(s.Time) {
			t.Errorf("it does not come back from JSON: %v", err)
		}
	})
}

func infoOf(t *testing.T, s aio.Snapshot, name string) aio.TaskInfo {
	t.Helper()
	i := slices.IndexFunc(s.Tasks, func(i aio.TaskInfo) bool { return i.Name == name })
	if i < 0 {
		t.Fatalf("there is no task %s", name)
	}
	return s.Tasks[i]
}

func TestASnapshotTellsStateAgeCreatorAndWaits(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		s := l.Snapshot(false)
		main, holder, fresh := infoOf(t, s, "main"), infoOf(t, s, "holder"), infoOf(t, s, "fresh")
		if main.State != "running" || main.Creator != 0 || len(main.Scopes) != 1 || !strings.HasPrefix(main.Scopes[0], "Group at snapshot_test.go:") {
			t.Errorf("main: %+v", main)
		}
		if holder.State != "waiting" || holder.Op != "Sleep" || holder.On != "59m48s more" || holder.Creator != main.ID || holder.Age.Round(time.Second) != 12*time.Second {
			t.Errorf("holder: %+v", holder)
		}
		if fresh.State != "created" || fresh.Age != 0 || fresh.Op != "" {
			t.Errorf("fresh: %+v", fresh)
		}
		locker := infoOf(t, s, "locker")
		if !slices.Equal(locker.WaitsFor, []uint32{holder.ID}) || !strings.Contains(locker.On, "held by holder") {
			t.Errorf("locker: %+v", locker)
		}
		if awaiter := infoOf(t, s, "awaiter"); awaiter.On != "task holder" || !slices.Equal(awaiter.WaitsFor, []uint32{holder.ID}) {
			t.Errorf("awaiter: %+v", awaiter)
		}
		parent, grandchild := infoOf(t, s, "parent"), infoOf(t, s, "grandchild")
		if len(parent.Scopes) != 2 || !strings.HasPrefix(parent.Scopes[0], "Timeout at ") || !strings.HasPrefix(parent.Scopes[1], "Group at ") {
			t.Errorf("parent: %+v", parent)
		}
		if grandchild.Creator != parent.ID || !slices.Equal(parent.WaitsFor, []uint32{grandchild.ID}) {
			t.Errorf("parent: %+v, grandchild: %+v", parent, grandchild)
		}
		if s.Ready != 2 || s.Descriptors != 0 || !s.Time.Equal(l.Time()) {
			t.Errorf("%d ready, %d descriptors, %v", s.Ready, s.Descriptors, s.Time)
		}
		if s.Timers != 3 { // holder, late and the Timeout
			t.Errorf("%d timers", s.Timers)
		}
	})
}

func TestASnapshotShowsSinceWhenByWhomAndWhereATaskWasCancelled(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		i := infoOf(t, l.Snapshot(false), "late")
		if i.Cancel == nil || i.Cancel.Since != 2*time.Second || i.Cancel.By != "task main" || !strings.HasPrefix(i.Cancel.At, "snapshot_test.go:") || i.Cancel.Cause != "too late" {
			t.Errorf("got %+v", i.Cancel)
		}
		var table bytes.Buffer
		l.Snapshot(true).WriteTable(&table)
		wantText(t, table.String(), "waiting, cancelled 2s ago, still at github.com/aio-go/aio_test.scene.func", "snapshot_test.go:")
	})
}

func TestASnapshotWithStacksShowsWhereTheUsersCodeWaits(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		s := l.Snapshot(true)
		for name, want := range map[string]string{"holder": "aio_test.scene.func", "dreamer": "aio_test.scene.func", "grandchild": "aio_test.forever helpers_test.go:"} {
			i := infoOf(t, s, name)
			if len(i.Stack) == 0 || !strings.Contains(i.Stack[0], want) {
				t.Errorf("%s: %q", name, i.Stack)
			}
		}
		if i := infoOf(t, s, "fresh"); len(i.Stack) != 0 {
			t.Errorf("a task that has not started has a stack: %q", i.Stack)
		}
		if i := infoOf(t, s, "main"); len(i.Stack) == 0 || !strings.Contains(strings.Join(i.Stack, "\n"), "TestASnapshotWithStacks") {
			t.Errorf("main: %q", i.Stack)
		}
		for _, i := range s.Tasks {
			for _, f := range i.Stack {
				if strings.Contains(f, "testing.tRunner") || strings.HasPrefix(f, "runtime.") || strings.HasPrefix(f, "github.com/aio-go/aio.") {
					t.Errorf("%s: the frame %s is not the user's", i.Name, f)
				}
			}
		}
	})
}

func TestATreeMarksAndCutsACycle(t *testing.T) {
	runReports(t, func(ctx context.Context) error {
		var a, b *aio.Task[aio.None]
		a = aio.Start(ctx, func(ctx context.Context) error { _, err := b.Await(ctx); return err }, aio.Name("a"))
		b = aio.Start(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err }, aio.Name("b"))
		aio.Start(ctx, func(ctx context.Context) error { _, err := a.Await(ctx); return err }, aio.Name("c"))
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		var tree bytes.Buffer
		aio.RunningLoop(ctx).Snapshot(false).WriteTree(&tree)
		want := "main (running)\n" +
			"c (waiting in Task.Await)\n" +
			"    a (waiting in Task.Await)\n" +
			"        b (waiting in Task.Await)\n" +
			"            a (waiting in Task.Await) <- cycle\n"
		if tree.String() != want {
			t.Errorf("got\n%swant\n%s", tree.String(), want)
		}
		return nil
	})
}

func TestASnapshotIsTakenFromAnotherGoroutineWhileTheLoopIdles(t *testing.T) {
	const rounds = 20
	stop := make(chan struct{})
	loops := make(chan *aio.Loop, 1)
	result := make(chan error, 1)
	go func() {
		defer close(stop)
		l := <-loops
		for n := range rounds {
			s, err := aio.TakeSnapshot(context.Background(), l, n%2 == 0)
			if err != nil {
				result <- err
				return
			}
			if len(s.Tasks) != 2 || s.Tasks[0].Name != "main" || s.Tasks[1].Name != "waiter" || s.Tasks[1].State != "waiting" || len(s.Tasks[1].Stack) > 0 != (n%2 == 0) {
				result <- errors.New("not as expected")
				return
			}
		}
		result <- nil
	}()
	var l *aio.Loop
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l = aio.RunningLoop(ctx)
		aio.Start(ctx, forever, aio.Name("waiter"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		loops <- l
		_, _, err := aio.Recv(ctx, stop)
		return err
	})
	if err := errors.Join(err, <-result); err != nil {
		t.Fatal(err)
	}
	if _, err := aio.TakeSnapshot(t.Context(), l, false); !errors.Is(err, aio.ErrLoopClosed) {
		t.Errorf("of a closed loop: %v", err)
	}
}

func TestASnapshotOfALoopThatDoesNotAnswerEndsWithItsContext(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		blocked, cancel := context.WithCancelCause(context.Background())
		go cancel(errBoom)
		done := make(chan error)
		go func() {
			_, err := aio.TakeSnapshot(blocked, l, false)
			done <- err
		}()
		if err := <-done; !errors.Is(err, errBoom) || !strings.HasPrefix(err.Error(), "aio: TakeSnapshot: the loop did not answer") {
			t.Errorf("got %v", err)
		}
		s, err := aio.TakeSnapshot(ctx, l, false) // on the loop itself it is taken at once
		if err != nil || len(s.Tasks) != 1 || s.Tasks[0].State != "running" {
			t.Errorf("got %+v, %v", s, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWhatATaskWaitsForIsNamed(t *testing.T) {
	release := make(chan struct{})
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		ch := make(chan int)
		aio.Start(ctx, func(ctx context.Context) error { _, _, err := aio.Recv(ctx, ch); return err }, aio.Name("receiver"))
		aio.Start(ctx, func(ctx context.Context) error {
			return aio.Blocking(ctx, func(context.Context) error { <-release; return nil })
		}, aio.Name("blocker"))
		first := aio.Start(ctx, forever, aio.Name("first"))
		aio.Start(ctx, func(ctx context.Context) error {
			_, err := aio.Gather(ctx, first, aio.Start(ctx, forever, aio.Name("second")))
			return err
		}, aio.Name("gatherer"))
		aio.Start(ctx, func(ctx context.Context) error { _, _, err := aio.Wait(ctx, aio.FirstCompleted, first); return err }, aio.Name("chooser"))
		for range 3 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		s := aio.RunningLoop(ctx).Snapshot(false)
		for name, want := range map[string]string{
			"receiver": "Recv for a channel", "blocker": "Blocking for a function on a goroutine of its own",
			"gatherer": "Gather for 2 of 2", "chooser": "Wait for 1 tasks or futures", "first": "forever for ",
		} {
			if i := infoOf(t, s, name); i.Op+" for "+i.On != want {
				t.Errorf("%s: %s for %s, want %s", name, i.Op, i.On, want)
			}
		}
		close(release)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheAgeOfATaskBeginsWhenItIsMade(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		ch := make(chan int)
		time.AfterFunc(200*time.Millisecond, func() { close(ch) })
		if _, _, err := aio.Recv(ctx, ch); err != nil { // no timer makes the loop look at the clock
			return err
		}
		task := aio.Start(ctx, forever, aio.Name("fresh"))
		task.Cancel(nil)
		i := infoOf(t, aio.RunningLoop(ctx).Snapshot(false), "fresh")
		if i.Age > 150*time.Millisecond || i.Cancel.Since > 150*time.Millisecond {
			t.Errorf("its age is %v, it was cancelled %v ago", i.Age, i.Cancel.Since)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
