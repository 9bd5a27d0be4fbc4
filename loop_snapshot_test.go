package aio_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/leaktest"
)

// scene puts a number of tasks into waits of several kinds, and calls look when they have been
// there for a while.
func scene(t *testing.T, look func(ctx context.Context, l *aio.Loop)) {
	t.Helper()
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var lock aiosync.Lock
		var full = aiosync.NewQueue[int](1)
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
				_, err := aio.NewFuture[int](l.Context()).Await(ctx)
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

// golden compares got with the file, in which lines of test files have no numbers. With
// AIO_UPDATE_GOLDEN=1 it writes the file.
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
		if main.State != "running" || main.Creator != 0 || len(main.Scopes) != 1 || !strings.HasPrefix(main.Scopes[0], "Group at loop_snapshot_test.go:") {
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
		if i.Cancel == nil || i.Cancel.Since != 2*time.Second || i.Cancel.By != "task main" || !strings.HasPrefix(i.Cancel.At, "loop_snapshot_test.go:") || i.Cancel.Cause != "too late" {
			t.Errorf("got %+v", i.Cancel)
		}
		var table bytes.Buffer
		l.Snapshot(true).WriteTable(&table)
		wantText(t, table.String(), "waiting, cancelled 2s ago, still at github.com/aio-go/aio_test.scene.func", "loop_snapshot_test.go:")
	})
}

func TestASnapshotWithStacksShowsWhereTheUsersCodeWaits(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		s := l.Snapshot(true)
		for name, want := range map[string]string{"holder": "aio_test.scene.func", "dreamer": "aio_test.scene.func", "grandchild": "aio_test.forever loop_test.go:"} {
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

// evil is a text as a peer may send it, and shownEvil what may be seen of it.
const (
	evil      = "GET /x\n\x1b[2J\u202e\u009b http://u:secret@h/?k=secret"
	shownEvil = `GET /x\n\x1b[2J\u202e\u009b http://xxxxx@h/?k=xxxxx`
)

func mustBeSafe(t *testing.T, where, text string) {
	t.Helper()
	if strings.ContainsAny(text, "\x1b\u202e\u009b") || strings.Contains(text, "secret") || strings.Contains(text, "\n\x1b") {
		t.Errorf("%s shows %q", where, text)
	}
}

func TestWhatPeersWroteIsSafeWhereverItIsShown(t *testing.T) {
	for format, handler := range map[string]func(*lockedBuffer) slog.Handler{
		"text": func(b *lockedBuffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *lockedBuffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		log := &lockedBuffer{}
		setLog(t, handler(log))
		var main *aio.Task[aio.None]
		run(t, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			var lock aiosync.Lock
			var limiter = aiosync.NewLimiter(1)
			queue, latest := aiosync.NewQueue[string](0), aiosync.NewLatest(evil)
			queue.PutNowait(evil)
			main = aio.Start(ctx, func(ctx context.Context) error {
				_ = limiter.Acquire(ctx)
				return lock.With(ctx, forever)
			}, aio.Name(evil))
			waits := aio.Start(ctx, func(ctx context.Context) error { return lock.With(ctx, forever) }, aio.Name(evil))
			named := aio.Start(ctx, func(ctx context.Context) error {
				if got := fmt.Sprint(ctx); got != "aio context of "+shownEvil {
					t.Errorf("the context prints as %q", got)
				}
				return aio.NewWaiter(ctx, "op", evilText(evil)).Park()
			}, aio.Name(evil))
			failed := aio.Start(ctx, func(context.Context) error { return errors.New(evil) }, aio.Name(evil))
			panics := aio.Start(ctx, func(context.Context) error { panic(evil) }, aio.Name(evil))
			value := aio.CreateTask(ctx, func(context.Context) (string, error) { return evil, nil })
			exits := aio.Start(ctx, func(context.Context) error { runtime.Goexit(); return nil }, aio.Name(evil))
			turns(ctx, 3)
			named.Cancel(errors.New(evil))
			for where, v := range map[string]any{
				"a task that has a lock": main, "one that waits for it": waits, "one that is cancelled": named, "one that failed": failed,
				"one that panicked": panics, "one with a result": value, "one that ended its goroutine": exits,
				"a lock": &lock, "a limiter": limiter, "a queue": queue, "a latest": latest,
				"a panic": panics.Err(), "a goexit": exits.Err(),
			} {
				mustBeSafe(t, where, fmt.Sprint(v))
			}
			s := l.Snapshot(false)
			var table, tree, text bytes.Buffer
			_, _, _ = s.WriteTable(&table), s.WriteTree(&tree), s.WriteJSON(&text)
			for where, b := range map[string]*bytes.Buffer{"the table": &table, "the tree": &tree, "the JSON": &text} {
				mustBeSafe(t, where, strings.ReplaceAll(b.String(), "\n", " "))
				wantText(t, strings.ReplaceAll(b.String(), `\\`, `\`), shownEvil)
			}
			l.CallExceptionHandler(aio.Report{
				Message: evil, Err: errors.New(evil), TaskName: evil,
				Attrs: []slog.Attr{slog.String("path", evil), slog.Any("err2", errors.New(evil)), slog.Any("value", []string{evil})},
			})
			mustBeSafe(t, "a deadlock", (&aio.DeadlockError{Waiting: s.Tasks}).Error())
			turns(ctx, 2)
			mustBeSafe(t, "a cancellation", named.Err().Error())
			main.Cancel(errors.New(evil))
			_, err := main.Await(ctx)
			mustBeSafe(t, "a cancellation", err.Error())
			waits.Cancel(nil)
			return nil
		}, aio.WithExceptionHandler(nil))
		mustBeSafe(t, "the log as "+format, log.String())
		for line := range strings.Lines(log.String()) {
			if !strings.HasPrefix(line, "time=") && !strings.HasPrefix(line, `{"time":`) {
				t.Errorf("a line of the log was forged: %q", line)
			}
		}
	}
}

type evilText string

func (e evilText) String() string { return string(e) }

func TestASnapshotThatWasReadFromElsewhereIsSafe(t *testing.T) {
	s := aio.Snapshot{Tasks: []aio.TaskInfo{{
		ID: 1, Name: evil, State: evil, Site: evil, Op: evil, On: evil, Scopes: []string{evil}, Stack: []string{evil},
		Cancel: &aio.CancelInfo{By: evil, At: evil, Through: []string{evil}, Cause: evil},
	}}}
	var b bytes.Buffer
	_, _, _ = s.WriteTable(&b), s.WriteTree(&b), s.WriteJSON(&b)
	if strings.ContainsAny(b.String(), "\x1b\u202e\u009b") {
		t.Errorf("got %q", b.String())
	}
	if s.Tasks[0].Name != evil || s.Tasks[0].Cancel.By != evil {
		t.Error("the snapshot itself was changed")
	}
}

func TestTablesAndTreesShowTheStacksThatWereAskedFor(t *testing.T) {
	s := aio.Snapshot{Tasks: []aio.TaskInfo{
		{ID: 1, Name: "a", State: "waiting", Op: "Task.Await", On: "task b", WaitsFor: []uint32{2}, Stack: []string{"main.wait x.go:1", "main.a x.go:2"}},
		{ID: 2, Name: "b", State: "running", Stack: []string{"main.b x.go:3"}},
		{ID: 3, Name: "c", State: "waiting", Op: "Task.Await", On: "task b", WaitsFor: []uint32{2}},
		{ID: 4, Name: "d", State: "waiting", Op: "Task.Await", On: "task a", WaitsFor: []uint32{1}},
		{ID: 5, Name: "e", State: "waiting", Op: "Task.Await", On: "task a", WaitsFor: []uint32{1}},
	}}
	var table, tree strings.Builder
	if err := errors.Join(s.WriteTable(&table), s.WriteTree(&tree)); err != nil {
		t.Fatal(err)
	}
	const wantTable = `ID  NAME  STATE    AGE  WAITED  IN          ON      CREATED
1   a     waiting  0s   0s      Task.Await  task b  
      at main.wait x.go:1
      at main.a x.go:2
2   b     running  0s                               
      at main.b x.go:3
3   c     waiting  0s   0s      Task.Await  task b  
4   d     waiting  0s   0s      Task.Await  task a  
5   e     waiting  0s   0s      Task.Await  task a  
`
	const wantTree = `c (waiting in Task.Await)
    b (running)
          at main.b x.go:3
d (waiting in Task.Await)
    a (waiting in Task.Await)
          at main.wait x.go:1
          at main.a x.go:2
        b (running)
e (waiting in Task.Await)
    a (waiting in Task.Await) <- as above
`
	if table.String() != wantTable {
		t.Errorf("got\n%s\nwant\n%s", table.String(), wantTable)
	}
	if tree.String() != wantTree {
		t.Errorf("got\n%s\nwant\n%s", tree.String(), wantTree)
	}
}

func TestATreeOfTasksThatManyWaitForStaysSmall(t *testing.T) {
	var s aio.Snapshot
	for i := range uint32(2000) { // two by two wait for the next two
		next := i/2*2 + 2
		s.Tasks = append(s.Tasks, aio.TaskInfo{ID: i, Name: fmt.Sprint("t", i), State: "waiting", WaitsFor: []uint32{next, next + 1}})
	}
	var b bytes.Buffer
	if err := s.WriteTree(&b); err != nil || b.Len() > 4<<20 {
		t.Errorf("%v, %d bytes", err, b.Len())
	}
}

type everything struct{ tasks []aio.AnyTask }

func (e *everything) String() string { return fmt.Sprint("everything: ", e.tasks) }

type panicky struct{}

func (panicky) String() string { panic("no text") }
func (panicky) Error() string  { panic("no text") }

type awaiting struct{ ctx context.Context }

func (a awaiting) String() string { return fmt.Sprint("slept: ", aio.Sleep(a.ctx, time.Hour)) }
func (a awaiting) Error() string  { return a.String() }

func TestNothingThatATaskReturnsHarmsThePrintingOfIt(t *testing.T) {
	setLog(t, slog.NewTextHandler(&lockedBuffer{}, nil))
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		begin := l.Time()
		me := aio.CreateTask(ctx, func(ctx context.Context) ([]aio.AnyTask, error) { return aio.AllTasks(ctx), nil }, aio.Name("me"))
		all := aio.CreateTask(ctx, func(ctx context.Context) (*everything, error) { return &everything{aio.AllTasks(ctx)}, nil }, aio.Name("all"))
		self := []any{nil}
		self[0] = self
		cyclic := &aio.CancelledError{}
		cyclic.Cause = cyclic
		values := []any{self, panicky{}, awaiting{ctx}, make([]byte, 64<<20), strings.Repeat("x", 64<<20), math.NaN(), all, me}
		if text := cyclic.Error(); len(text) > 2000 {
			t.Errorf("an error that is its own cause prints as %d bytes", len(text))
		}
		for _, v := range values {
			tasks := []aio.AnyTask{
				aio.CreateTask(ctx, func(context.Context) (any, error) { return v, nil }, aio.Name("value")),
				aio.CreateTask(ctx, func(context.Context) (any, error) { panic(v) }, aio.Name("panic")),
				aio.Start(ctx, func(ctx context.Context) error { return aio.NewWaiter(ctx, "op", v).Park() }, aio.Name("waits")),
			}
			if err, ok := v.(error); ok {
				tasks = append(tasks,
					aio.Start(ctx, func(context.Context) error { return err }, aio.Name("error")),
					aio.Start(ctx, forever, aio.Name("cancelled")))
				turns(ctx, 1)
				tasks[len(tasks)-1].Cancel(err)
				_ = l.Snapshot(true)
			}
			queue, latest := aiosync.NewQueue[any](0), aiosync.NewLatest(v)
			queue.PutNowait(v)
			turns(ctx, 3)
			for _, task := range tasks {
				if text := task.String(); len(text) > 3000 {
					t.Errorf("%s prints as %d bytes", task.Name(), len(text))
				}
				if p, ok := errors.AsType[*aio.PanicError](errOf(task)); ok && !waits(v) {
					_ = fmt.Sprint(p, p.Error())
				}
			}
			if !waits(v) { // a task that prints something itself may wait for it
				if text := fmt.Sprint(queue, latest); len(text) > 1000 {
					t.Errorf("a queue and a latest print as %d bytes", len(text))
				}
			}
			s := l.Snapshot(true)
			for _, i := range s.Tasks {
				if len(i.On) > 1000 || i.Cancel != nil && len(i.Cancel.Cause) > 2000 {
					t.Errorf("a snapshot has %+v", i)
				}
			}
			_ = (&aio.DeadlockError{Waiting: s.Tasks}).Error()
			if err, ok := v.(error); ok {
				l.CallExceptionHandler(aio.Report{Message: "test", Err: err})
			}
			l.CallExceptionHandler(aio.Report{Message: "test", Attrs: []slog.Attr{slog.Any("v", v)}})
			for _, task := range tasks {
				task.Cancel(nil)
			}
			turns(ctx, 2)
		}
		wantText(t, me.String(), "<Task me finished result=[", "<Task me finished")
		wantText(t, all.String(), "result=everything: [")
		if d := l.Time().Sub(begin); d != 0 {
			t.Errorf("something slept for %v while it was printed", d)
		}
		return nil
	}, aio.WithExceptionHandler(nil))
}

func waits(v any) bool { _, ok := v.(awaiting); return ok }

func errOf(task aio.AnyTask) error {
	if !task.Done() {
		return nil
	}
	return task.Err()
}

func TestTheTextOfATaskSaysNothingTwice(t *testing.T) {
	runReports(t, func(ctx context.Context) error {
		quick := aio.Start(ctx, forever, aio.Name("bare"))
		caused := aio.Start(ctx, forever, aio.Name("caused"))
		panics := aio.Start(ctx, func(context.Context) error { panic("boom") }, aio.Name("panics"))
		again := aio.Start(ctx, func(ctx context.Context) error { _, err := panics.Await(ctx); return err }, aio.Name("again"))
		given := aio.Start(ctx, func(ctx context.Context) error { return aio.ErrCancelled }, aio.Name("given"))
		turns(ctx, 1)
		quick.Cancel(nil)
		caused.Cancel(errors.New("enough"))
		turns(ctx, 4)
		_, _, _, _, _ = quick.Err(), caused.Err(), panics.Err(), again.Err(), given.Err()
		for task, want := range map[aio.AnyTask]string{
			quick: "<Task bare cancelled by task main at loop_snapshot_test.go:", caused: ": enough ", panics: "<Task panics failed panic: boom ",
			again: "<Task again failed panic: boom ",
		} {
			text := task.String()
			if !strings.Contains(text, want) || strings.Contains(text, "cancelled cancelled") || strings.Contains(text, "panic: panic") || strings.Contains(text, "\n") {
				t.Errorf("got %s, want %s", text, want)
			}
		}
		return nil
	})
}

func TestAPanicErrorIsOneLineAndItsStackIsThereForThoseWhoAsk(t *testing.T) {
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(context.Context) error { panicHere(); return nil })
		turns(ctx, 1)
		err := task.Err()
		if got := err.Error(); got != "panic: kaboom" {
			t.Errorf("Error: %q", got)
		}
		for format, want := range map[string]string{"%v": "panic: kaboom", "%s": "panic: kaboom", "%q": `"panic: kaboom"`, "%15s.": "  panic: kaboom."} {
			if got := fmt.Sprintf(format, err); got != want {
				t.Errorf("%s: %q, want %q", format, got, want)
			}
		}
		full := fmt.Sprintf("%+v", err)
		wantText(t, full, "panic: kaboom\n\ngoroutine ", "panicHere", "task_test.go:")
		wrapped := fmt.Errorf("job 7: %w", err)
		if got := wrapped.Error(); got != "job 7: panic: kaboom" {
			t.Errorf("wrapped: %q", got)
		}
		log := captureLog(t)
		aio.RunningLoop(ctx).CallExceptionHandler(aio.Report{Message: "test", Err: wrapped})
		wantText(t, log.String(), `err="job 7: panic: kaboom"`, "stack=", "panicHere")
		return nil
	}, aio.WithExceptionHandler(nil))
}

// A program that a panic ends shows where it was, once.
func TestAProgramThatEndsByAPanicOfATaskShowsItsStack(t *testing.T) {
	if os.Getenv("AIO_TEST_CRASH") != "" {
		_ = aio.Run(context.Background(), func(ctx context.Context) error {
			_, err := aio.Start(ctx, func(context.Context) error { panicHere(); return nil }).Await(ctx)
			return err
		})
		return
	}
	needProcesses(t)
	leaktest.NeedFork(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "AIO_TEST_CRASH=1")
	out, err := cmd.CombinedOutput()
	leaktest.NeedOwnProgram(t, err)
	if err == nil {
		t.Error("it has not ended with an error")
	}
	wantText(t, string(out), "panic: kaboom", "panicHere")
	if strings.Contains(string(out), "panic: panic:") {
		t.Errorf("got\n%s", out)
	}
}

func TestARateLimiterWithAVeryLongPeriodLetsNobodyPassEarly(t *testing.T) {
	for _, c := range []struct {
		n    int
		per  time.Duration
		free int
	}{{1, math.MaxInt64, 1}, {2, math.MaxInt64, 2}, {3, math.MaxInt64, 3}, {3, math.MaxInt64 - 1, 3}, {math.MaxInt, 1, 10}, {math.MaxInt/2 + 2, math.MaxInt64, 10}} {
		run(t, func(ctx context.Context) error {
			r := aiosync.NewRateLimiter(c.n, c.per)
			begin := aio.RunningLoop(ctx).Time()
			for i := range c.free {
				if err := r.Acquire(ctx); err != nil {
					t.Errorf("%d per %v: turn %d: %v", c.n, c.per, i, err)
				}
			}
			if d := aio.RunningLoop(ctx).Time().Sub(begin); d != 0 {
				t.Errorf("%d per %v: the first %d took %v", c.n, c.per, c.free, d)
			}
			if c.free == c.n {
				err := aio.Timeout(ctx, 50*365*24*time.Hour, r.Acquire)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%d per %v: one more passed: %v", c.n, c.per, err)
				}
			}
			return nil
		})
	}
}

func TestALimiterRefusesABorrowerThatIsNotItself(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aiosync.NewLimiter(1)
		wantPanic(t, func() { _ = l.AcquireFor(ctx, math.NaN()) }, "aio: Limiter", "NaN")
		return nil
	})
}

type startsATask struct{ ctx context.Context }

func (s startsATask) Error() string {
	aio.Start(s.ctx, func(context.Context) error { return nil })
	return "one more"
}

func TestASnapshotIsRightIfPrintingStartsTasks(t *testing.T) {
	run(t, func(ctx context.Context) error {
		sleeper := started(ctx, func(ctx context.Context) error { return aio.Sleep(context.WithoutCancel(ctx), time.Hour) })
		sleeper.Cancel(startsATask{ctx})
		for _, stacks := range []bool{false, true} {
			s := aio.RunningLoop(ctx).Snapshot(stacks)
			i := s.Tasks[slices.IndexFunc(s.Tasks, func(i aio.TaskInfo) bool { return i.ID == sleeper.ID() })]
			if i.Cancel.Cause != "one more" || i.On != "1h0m0s more" {
				t.Errorf("got %+v", i)
			}
			aio.Yield(ctx)
		}
		_, _, err := aio.Wait(ctx, aio.AllCompleted, sleeper)
		return err
	})
}

// A chain of waits leads from a task to the one that holds it up.
func TestWhyLeadsFromATaskToTheCulprit(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		s := l.Snapshot(true)
		locker, holder := infoOf(t, s, "locker"), infoOf(t, s, "holder")
		c := s.Why(locker.ID)
		if len(c.Tasks) != 2 || c.Tasks[0].ID != locker.ID || c.Culprit().ID != holder.ID || c.Back != -1 {
			t.Fatalf("got %+v", c)
		}
		wantText(t, c.String(), "locker (task 3) waits 12s in Lock.Acquire for <Lock locked, waiters:1> held by holder\n",
			"holder (task 2) waits 12s in Sleep for 59m48s more\n    at github.com/aio-go/aio_test.scene.func", "loop_snapshot_test.go:",
			"holder holds it up: it waits 12s in Sleep")
		if c := s.Why(9999); len(c.Tasks) != 0 || c.Culprit().ID != 0 || c.Back != -1 || c.String() != "there is no such task\n" {
			t.Errorf("of no task: %+v", c)
		}
		if c := s.Why(holder.ID); len(c.Tasks) != 1 || !strings.HasSuffix(c.String(), "no other task is known to hold holder up\n") {
			t.Errorf("of the culprit: %s", c)
		}
	})
}

func TestWhyNamesACycle(t *testing.T) {
	s := aio.Snapshot{Tasks: []aio.TaskInfo{
		{ID: 1, Name: "a", State: "waiting", Op: "Group", WaitsFor: []uint32{9, 2, 3}},
		{ID: 2, Name: "b", State: "waiting", Op: "Sleep", Waited: time.Hour},
		{ID: 3, Name: "c", State: "waiting", Op: "Task.Await", WaitsFor: []uint32{4}},
		{ID: 4, Name: "d", State: "waiting", Op: "Task.Await", WaitsFor: []uint32{3}},
	}}
	c := s.Why(1)
	if len(c.Tasks) != 3 || c.Back != 1 || c.Culprit().ID != 4 {
		t.Fatalf("got %+v", c)
	}
	if !strings.HasSuffix(c.String(), "\na cycle: c, d wait for each other\n") {
		t.Errorf("got %s", c)
	}
}

func TestWhyFollowsTheTaskThatHasWaitedLongest(t *testing.T) {
	s := aio.Snapshot{Tasks: []aio.TaskInfo{
		{ID: 1, Name: "a", State: "waiting", Op: "Group", WaitsFor: []uint32{2, 3, 4}},
		{ID: 2, Name: "b", State: "waiting", Op: "Sleep", Waited: time.Minute},
		{ID: 3, Name: "c", State: "waiting", Op: "Task.Await", WaitsFor: []uint32{5}},
		{ID: 4, Name: "d", State: "running"},
		{ID: 5, Name: "e", State: "waiting", Op: "Recv", Waited: time.Hour},
	}}
	if c := s.Why(1); len(c.Tasks) != 3 || c.Culprit().Name != "e" {
		t.Errorf("got %+v", c)
	}
}

// A chain of a hundred thousand tasks takes no time that grows with its square.
func TestWhyGoesAlongALongChain(t *testing.T) {
	const n = 100_000
	var s aio.Snapshot
	for i := range n {
		s.Tasks = append(s.Tasks, aio.TaskInfo{ID: uint32(i + 1), State: "waiting", WaitsFor: []uint32{uint32(i + 2)}})
	}
	s.Tasks[n-1].WaitsFor = nil
	if c := s.Why(1); len(c.Tasks) != n || c.Culprit().ID != n {
		t.Errorf("%d tasks", len(c.Tasks))
	}
}

func TestALockWhoseHolderHasEndedSaysSo(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var lock aiosync.Lock
		aio.Start(ctx, lock.Acquire, aio.Name("careless"))
		aio.Start(ctx, lock.Acquire, aio.Name("victim"))
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		s := aio.RunningLoop(ctx).Snapshot(false)
		victim := infoOf(t, s, "victim")
		if victim.Holder != "careless" || !strings.HasSuffix(victim.On, "held by careless (aiosync.(*Lock).Acquire), which has ended without releasing it") {
			t.Errorf("got %+v", victim)
		}
		wantText(t, s.Why(victim.ID).String(), "victim waits for careless, which has ended without letting go\n")
		lock.Release()
		return aio.Sleep(ctx, time.Second)
	})
}

func TestASnapshotTellsSinceWhenATaskWaitsAndWhereInTheProgram(t *testing.T) {
	scene(t, func(_ context.Context, l *aio.Loop) {
		s := l.Snapshot(true)
		for name, want := range map[string]time.Duration{"holder": 12 * time.Second, "locker": 12 * time.Second, "late": 2 * time.Second, "fresh": 0, "main": 0} {
			if i := infoOf(t, s, name); i.Waited != want {
				t.Errorf("%s has waited %v, want %v", name, i.Waited, want)
			}
		}
		if i := infoOf(t, s, "holder"); !strings.Contains(i.At, "aio_test.scene.func") || i.Holder != "" {
			t.Errorf("got %+v", i)
		}
		if i := infoOf(t, s, "locker"); i.Holder != "holder" {
			t.Errorf("got %+v", i)
		}
	})
}

func TestTheCountersOfASnapshotAddUp(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		before := l.Snapshot(false).Counters
		aio.Start(ctx, func(context.Context) error { return errBoom }, aio.Name("lost")) // nobody looks
		c := aio.Start(ctx, forever)
		aio.Start(ctx, forever)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		c.Cancel(nil)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		after := l.Snapshot(false).Counters
		if after.Made-before.Made != 3 || after.Ended-before.Ended != 2 || after.Cancelled != 1 || after.Lost != 1 || after.Steps <= before.Steps {
			t.Errorf("before %+v, after %+v", before, after)
		}
		late := uint64(0)
		for _, n := range after.Lag {
			late += n
		}
		if late != 2 || after.Lag[0] != 2 { // under virtual time no timer is late
			t.Errorf("lag %v", after.Lag)
		}
		return nil
	}, aio.WithPromptReports(true))
	if err != nil || len(seen.All()) != 1 {
		t.Errorf("%v, %v", err, seen.Strings())
	}
}

func TestASnapshotHasTheLocksAndQueuesThatMostTasksWaitFor(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var lock aiosync.Lock
		queue := aiosync.NewQueue[int](2)
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			if err := lock.Acquire(ctx); err != nil {
				return err
			}
			g.Go(func(ctx context.Context) error { _, err := queue.Get(ctx); return err })
			for range 3 {
				g.Go(lock.Acquire)
				if err := aio.Sleep(ctx, time.Second); err != nil {
					return err
				}
			}
			want := []aio.WaitInfo{
				{On: "<Lock locked, waiters:3> held by main", Op: "Lock.Acquire", Waiters: 3, Longest: 3 * time.Second, Holder: "main"},
				{On: "<Queue maxsize:2, getters:1>", Op: "Queue.Get", Waiters: 1, Longest: 3 * time.Second},
			}
			if got := aio.RunningLoop(ctx).Snapshot(false).Waits; !reflect.DeepEqual(got, want) {
				t.Errorf("it has\n%+v\nwant\n%+v", got, want)
			}
			g.Cancel(nil)
			return nil
		})
	})
}
