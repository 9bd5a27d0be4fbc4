package aio_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// captureLog makes the default logger write to the buffer it returns, until the test ends.
func captureLog(t *testing.T) *lockedBuffer {
	buf := &lockedBuffer{}
	setLog(t, slog.NewTextHandler(buf, nil))
	return buf
}

func setLog(t *testing.T, h slog.Handler) {
	before, out, flags := slog.Default(), log.Writer(), log.Flags() // SetDefault changes package log as well
	slog.SetDefault(slog.New(h))
	t.Cleanup(func() {
		slog.SetDefault(before)
		log.SetOutput(out)
		log.SetFlags(flags)
	})
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func wantText(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %q in:\n%s", part, text)
		}
	}
}

func brokenCallback() { panic("broken callback") }

// Conformance: EH-001.
func TestTheDefaultHandlerLogsAPanicOfACallbackWithItsPlaceAndTheLoopGoesOn(t *testing.T) {
	log := captureLog(t)
	after := 0
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.CallSoon(brokenCallback)
		l.CallLater(time.Second, brokenCallback)
		l.CallSoon(func() { after++ })
		return aio.Sleep(ctx, time.Minute)
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil || after != 1 {
		t.Fatalf("got %v; callbacks after it: %d", err, after)
	}
	wantText(t, log.String(), "level=ERROR", "a callback panicked", "loop_report_test.go:", "broken callback")
	if n := strings.Count(log.String(), "a callback panicked"); n != 2 {
		t.Errorf("%d reports in\n%s", n, log)
	}
}

// Conformance: EH-002.
func TestAFailedTaskThatIsDroppedIsReportedOnce(t *testing.T) {
	log := captureLog(t)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		aio.Start(ctx, failWith(errBoom), aio.Name("dropped"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		for range 200 { // until the collector has found it
			runtime.GC()
			if err := aio.Sleep(ctx, time.Millisecond); err != nil || log.String() != "" {
				return err
			}
		}
		t.Error("it was not reported when it was collected")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, log.String(), "a task failed and its error was never retrieved", "task=dropped", "err=boom", "created=looptest.go:")
	if n := strings.Count(log.String(), "dropped"); n != 1 {
		t.Errorf("%d reports in\n%s", n, log)
	}
}

// Conformance: EH-003, EH-007.
func TestACustomHandlerGetsTheLoopAndTheReport(t *testing.T) {
	log := captureLog(t)
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetDebug(true)
		var got []aio.Report
		handler := func(from *aio.Loop, r aio.Report) {
			if from != l {
				t.Error("another loop was handed over")
			}
			got = append(got, r)
		}
		l.SetExceptionHandler(nil)
		if l.ExceptionHandler() != nil {
			t.Error("there is a handler though none is set")
		}
		l.SetExceptionHandler(handler)
		if l.ExceptionHandler() == nil {
			t.Error("there is no handler though one is set")
		}
		l.CallSoon(brokenCallback)
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		var p *aio.PanicError
		if len(got) != 1 || !errors.As(got[0].Err, &p) || p.Value != "broken callback" || !strings.HasPrefix(got[0].Site, "loop_report_test.go:") {
			t.Errorf("the reports are %+v", got)
		}
		l.CallExceptionHandler(aio.Report{Message: "by hand", Attrs: []slog.Attr{slog.Int("n", 7)}})
		if len(got) != 2 || got[1].Message != "by hand" || got[1].Attrs[0].Value.Int64() != 7 {
			t.Errorf("the reports are %+v", got)
		}
		if log.String() != "" {
			t.Errorf("the default handler was called, too:\n%s", log)
		}
		l.SetExceptionHandler(nil) // the default again
		l.CallExceptionHandler(aio.Report{Message: "logged", Err: errBoom, TaskName: "T", Site: "x.go:1", Attrs: []slog.Attr{slog.Int("n", 8)}})
		wantText(t, log.String(), "level=ERROR", `msg="aio: logged"`, "err=boom", "task=T", "created=x.go:1", "n=8")
		return nil
	})
}

// Conformance: EH-004.
func TestAPanicOfTheHandlerIsLoggedWithTheReportItWasCalledWith(t *testing.T) {
	log := captureLog(t)
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetExceptionHandler(func(*aio.Loop, aio.Report) { panic("broken handler") })
		l.CallExceptionHandler(aio.Report{Message: "the first trouble", Err: errBoom})
		return aio.Yield(ctx)
	})
	wantText(t, log.String(), "the exception handler panicked", "the first trouble", "broken handler", "original_error=boom")
}

// brokenLog is a log handler that does not work.
type brokenLog struct{ slog.Handler }

func (brokenLog) Enabled(context.Context, slog.Level) bool  { return true }
func (brokenLog) Handle(context.Context, slog.Record) error { panic("broken log") }

// Conformance: EH-005.
func TestAPanicOfTheLogIsPrintedWithTheReport(t *testing.T) {
	needProcesses(t)
	setLog(t, brokenLog{slog.DiscardHandler})
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stderr := os.Stderr
	os.Stderr = w
	defer func() { os.Stderr = stderr }()
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetExceptionHandler(nil)
		l.CallExceptionHandler(aio.Report{Message: "the first trouble", Err: errBoom})
		l.SetExceptionHandler(func(*aio.Loop, aio.Report) { panic("broken handler") })
		l.CallExceptionHandler(aio.Report{Message: "the second trouble"})
		return aio.Yield(ctx)
	})
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, string(text), "broken log", "the first trouble", "boom", "the second trouble", "broken handler")
}

// Conformance: EH-006.
func TestANilHandlerIsTheDefault(t *testing.T) {
	log := captureLog(t)
	l := aio.NewLoop(aio.WithExceptionHandler(nil))
	defer l.Close()
	if l.ExceptionHandler() != nil {
		t.Error("a handler is set")
	}
	l.CallExceptionHandler(aio.Report{Message: "hello"})
	l.CallExceptionHandler(aio.Report{Message: "careful", Warning: true})
	wantText(t, log.String(), "aio: hello", `level=WARN msg="aio: careful"`)
}

// Conformance: DB-001, DB-002.
func TestDebugModeIsSetByOptionMethodAndEnvironment(t *testing.T) {
	debug := func(opts ...aio.Option) bool {
		l := aio.NewLoop(opts...)
		defer l.Close()
		return l.Debug()
	}
	for value, want := range map[string]bool{"": false, "1": true, "yes": true} {
		t.Setenv("AIO_DEBUG", value)
		if got := debug(); got != want {
			t.Errorf("with AIO_DEBUG=%q it is %v", value, got)
		}
		if !debug(aio.WithDebug(true)) || debug(aio.WithDebug(false)) {
			t.Error("the option does not win over the environment")
		}
	}
	l := aio.NewLoop()
	defer l.Close()
	for _, on := range []bool{true, false} {
		if l.SetDebug(on); l.Debug() != on {
			t.Errorf("SetDebug(%v) has no effect", on)
		}
	}
}

func hold(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
	}
}

// Conformance: DB-003, DB-004.
func TestInDebugModeAStepThatHoldsTheLoopIsReportedByName(t *testing.T) {
	seen := &reports{}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetSlowCallbackDuration(20 * time.Millisecond)
		l.CallSoon(slowCallback)
		aio.Start(ctx, func(context.Context) error {
			hold(25 * time.Millisecond)
			return nil
		}, aio.Name("slow task"))
		return yields(ctx, 3)
	}, seen.Option(), aio.WithDebug(true))
	if err != nil {
		t.Fatal(err)
	}
	var task, callback bool
	for _, r := range seen.All() {
		held := r.Warning && strings.Contains(r.Message, "blocked the loop for ") && strings.Contains(r.Message, "ms")
		task = task || held && strings.Contains(r.Message, "slow task")
		callback = callback || held && strings.Contains(r.Message, "<Handle") && strings.Contains(r.Message, "loop_report_test.go:")
	}
	if !task || !callback {
		t.Errorf("the task was reported: %v, the callback: %v, in %q", task, callback, seen.Strings())
	}
}

func slowCallback() { hold(25 * time.Millisecond) }

// Conformance: DB-005.
func TestDebugModeRefusesNilCallbacksAsProductionDoes(t *testing.T) {
	onLoop(t, func(l *aio.Loop) {
		wantPanic(t, func() { l.CallSoon(nil) }, "aio: Loop.CallSoon: the function is nil")
		wantPanic(t, func() { l.CallLater(1, nil) }, "aio: Loop.CallLater: the function is nil")
	}, aio.WithDebug(true))
}

// Conformance: DB-009.
func TestDebugModeChangesNoResult(t *testing.T) {
	var logs [2]journal
	for i, debug := range []bool{false, true} {
		log := &logs[i]
		run(t, func(ctx context.Context) error {
			v, err := aio.Gather(ctx,
				aio.CreateTask(ctx, func(ctx context.Context) (int, error) { log.Add("a"); return 1, yields(ctx, 2) }),
				aio.CreateTask(ctx, func(ctx context.Context) (int, error) { log.Add("b"); return 2, aio.Sleep(ctx, time.Second) }))
			log.Add("%v", v)
			err2 := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				g.Go(failWith(errBoom))
				return forever(ctx)
			})
			log.Add("%v", err2)
			return err
		}, aio.WithDebug(debug))
	}
	logs[1].Want(t, logs[0]...)
	logs[0].Want(t, "a", "b", "[1 2]", "boom")
}

const panicMessage = "a task panicked and was never awaited"

func panics(context.Context) error { panic("oops") }

func TestAPanicThatNobodyWaitsForIsReportedWhenTheTaskEndsAndNotAgainAtTheEnd(t *testing.T) {
	seen := &reports{}
	p, _ := panicOf(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			task := aio.Start(ctx, panics, aio.Name("daemon"))
			passes(ctx, 3)
			if got := seen.All(); len(got) != 1 || got[0].Message != panicMessage || got[0].TaskName != "daemon" {
				t.Errorf("reported: %v", got)
			}
			aio.Sleep(ctx, 24*time.Hour)
			if !task.Done() {
				t.Error(task)
			}
			return nil
		}, testOptions(seen)...)
	}).(*aio.PanicError)
	if p == nil || p.Value != "oops" {
		t.Errorf("Run raised %v", p)
	}
	if got := seen.All(); len(got) != 1 {
		t.Errorf("reported: %v", got)
	}
}

func TestAPanicThatWasReportedPromptlyIsRaisedAgainInWhoeverAwaitsItAndNotReportedTwice(t *testing.T) {
	looks := map[string]func(ctx context.Context, task *aio.Task[aio.None]){
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) { task.Await(ctx) },
		"Shield": func(ctx context.Context, task *aio.Task[aio.None]) { aio.Shield(ctx, task) },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) { aio.Gather(ctx, task) },
		"Result": func(ctx context.Context, task *aio.Task[aio.None]) { _, err := task.Result(); panic(err) },
		"GatherSettled": func(ctx context.Context, task *aio.Task[aio.None]) {
			got, _ := aio.GatherSettled(ctx, task)
			panic(got[0].Err)
		},
	}
	for name, look := range looks {
		seen, err := runReports(t, func(ctx context.Context) error {
			task := aio.Start(ctx, panics)
			aio.Sleep(ctx, time.Hour)
			if p, ok := panicOf(func() { look(ctx, task) }).(*aio.PanicError); !ok || p.Value != "oops" {
				t.Errorf("%s raised %v", name, p)
			}
			return nil
		})
		if got := seen.All(); err != nil || len(got) != 1 {
			t.Errorf("%s: %v; reported: %v", name, err, got)
		}
	}
}

func TestAPanicThatSomebodyWaitsForIsNotReported(t *testing.T) {
	waits := map[string]func(ctx context.Context, task *aio.Task[aio.None]) error{
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := task.Await(ctx); return err },
		"Shield": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Shield(ctx, task); return err },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Gather(ctx, task); return err },
		"Wait": func(ctx context.Context, task *aio.Task[aio.None]) error {
			aio.Wait(ctx, aio.AllCompleted, task)
			panic(task.Err())
		},
		"AsCompleted": func(ctx context.Context, task *aio.Task[aio.None]) error {
			for done := range aio.AsCompleted(ctx, task) {
				panic(done.Err())
			}
			return nil
		},
		"a done callback": func(ctx context.Context, task *aio.Task[aio.None]) error {
			var err error
			task.AddDoneCallback(func() { err = task.Err() })
			aio.Sleep(ctx, time.Hour)
			panic(err)
		},
		"Wait, and look a little later": func(ctx context.Context, task *aio.Task[aio.None]) error {
			aio.Wait(ctx, aio.AllCompleted, task)
			aio.Yield(ctx)
			panic(task.Err())
		},
	}
	for name, wait := range waits {
		run(t, func(ctx context.Context) error {
			task := aio.Start(ctx, func(ctx context.Context) error {
				aio.Sleep(ctx, time.Second)
				panic("oops")
			})
			if p, ok := panicOf(func() { wait(ctx, task) }).(*aio.PanicError); !ok || p.Value != "oops" {
				t.Errorf("%s raised %v", name, p)
			}
			return nil
		})
	}
}

func TestAPanicIsReportedWhenThoseWhoWaitedForItAreCancelledBeforeTheyCouldLook(t *testing.T) {
	waits := map[string]func(ctx context.Context, task *aio.Task[aio.None]) error{
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := task.Await(ctx); return err },
		"Shield": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Shield(ctx, task); return err },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Gather(ctx, task); return err },
		"Wait": func(ctx context.Context, task *aio.Task[aio.None]) error {
			_, _, err := aio.Wait(ctx, aio.AllCompleted, task)
			return err
		},
		"AsCompleted": func(ctx context.Context, task *aio.Task[aio.None]) error {
			for _, err := range aio.AsCompleted(ctx, task) {
				return err
			}
			return nil
		},
	}
	for name, wait := range waits {
		seen := &reports{}
		p := panicOf(func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				var waiter *aio.Task[aio.None]
				task := aio.Start(ctx, func(ctx context.Context) error {
					aio.Sleep(ctx, time.Second)
					panic("oops")
				})
				task.AddDoneCallback(func() { waiter.Cancel(nil) }) // it is still to look
				waiter = aio.Start(ctx, func(ctx context.Context) error { return wait(ctx, task) })
				_, _, err := aio.Wait(ctx, aio.AllCompleted, waiter)
				passes(ctx, 5)
				if got := seen.All(); len(got) != 1 || !waiter.Cancelled() {
					t.Errorf("%s: %v; reported: %v", name, waiter, got)
				}
				return err
			}, testOptions(seen)...)
		})
		if got := seen.All(); p == nil || len(got) != 1 {
			t.Errorf("%s: raised %v, reported %v", name, p, got)
		}
	}
}

func TestAnErrorThatNobodyWaitsForIsReportedPromptlyOnlyIfThatIsAskedFor(t *testing.T) {
	for _, on := range []bool{false, true} {
		seen, err := runReports(t, func(ctx context.Context) error {
			task := aio.Start(ctx, failWith(errBoom))
			aio.Sleep(ctx, time.Second)
			if _, err := task.Await(ctx); err != errBoom {
				t.Errorf("got %v", err)
			}
			return nil
		}, aio.WithPromptReports(on))
		if want := map[bool]int{true: 1}[on]; err != nil || len(seen.All()) != want {
			t.Errorf("prompt %v: %v; reported: %v", on, err, seen.All())
		}
	}
}

func TestWithPromptReportsATaskThatIsAwaitedWhenItFailsIsNotReported(t *testing.T) {
	run(t, func(ctx context.Context) error {
		if _, err := aio.Start(ctx, failWith(errBoom)).Await(ctx); err != errBoom {
			t.Errorf("got %v", err)
		}
		if err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(failWith(errBoom))
			return forever(ctx)
		}); err != errBoom {
			t.Errorf("got %v", err)
		}
		bad, worse := aio.Start(ctx, failWith(errBoom)), aio.Start(ctx, failWith(errReason))
		if _, err := aio.Gather(ctx, bad, worse); err != errBoom {
			t.Errorf("got %v", err)
		}
		f := aio.NewFuture[int](ctx)
		f.SetError(errBoom) // somebody will await it
		passes(ctx, 5)
		_, err := f.Await(ctx)
		if !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		stopped := aio.Start(ctx, forever)
		aio.Yield(ctx)
		stopped.Cancel(nil)
		passes(ctx, 5)
		return nil
	}, aio.WithPromptReports(true))
}

func TestAPanicDuringShutdownIsReportedOnceAndRaisedByRun(t *testing.T) {
	for _, others := range []int{0, 2} {
		seen := &reports{}
		p := panicOf(func() {
			aio.Run(t.Context(), func(ctx context.Context) error {
				aio.Start(ctx, func(ctx context.Context) error {
					forever(ctx)
					panic("oops")
				})
				for range others { // they take longer
					aio.Start(ctx, func(ctx context.Context) error {
						forever(ctx)
						return aio.Sleep(context.WithoutCancel(ctx), time.Second)
					})
				}
				return aio.Yield(ctx)
			}, testOptions(seen)...)
		})
		if got := seen.All(); p == nil || len(got) != 1 {
			t.Errorf("raised %v, reported %v", p, got)
		}
	}
}

func TestAPanicOfATaskWhoseAwaiterWasEndedWithTheLoopIsReported(t *testing.T) {
	for name, wait := range map[string]func(ctx context.Context, task *aio.Task[aio.None]) error{
		"Await":  func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := task.Await(ctx); return err },
		"Gather": func(ctx context.Context, task *aio.Task[aio.None]) error { _, err := aio.Gather(ctx, task); return err },
	} {
		seen := &reports{}
		l := aio.NewLoop(testOptions(seen)...)
		task := aio.Start(l.Context(), func(ctx context.Context) error {
			aio.Yield(ctx)
			l.Stop()
			panic("oops")
		})
		aio.Start(l.Context(), func(ctx context.Context) error { return wait(ctx, task) }, aio.Name("waiter"))
		l.RunForever()
		l.Close()
		found := 0
		for _, r := range seen.All() {
			if r.Message == panicMessage {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: reported: %v", name, seen.All())
		}
	}
}

func TestThePanicOfASubmittedTaskWhoseCallerHasGoneIsReported(t *testing.T) {
	seen := &reports{}
	p := panicOf(func() {
		aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			caller, leave := context.WithCancel(context.Background())
			started, gone := aio.NewFuture[aio.None](l.Context()), aio.NewFuture[aio.None](l.Context())
			go func() {
				aio.SubmitValue(caller, l, func(ctx context.Context) (aio.None, error) {
					started.SetResult(aio.None{})
					forever(ctx)
					panic("oops")
				})
				l.CallSoonThreadsafe(func() { gone.SetResult(aio.None{}) })
			}()
			l.ExpectPosts(2)
			started.Await(ctx)
			leave()
			_, err := gone.Await(ctx)
			l.ExpectPosts(-2)
			passes(ctx, 5)
			return err
		}, testOptions(seen)...)
	})
	if got := seen.All(); p == nil || len(got) != 1 || got[0].Message != panicMessage {
		t.Errorf("raised %v, reported %v", p, got)
	}
}

type selfGroup struct{}

func (g selfGroup) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("a", g), slog.Any("b", g), slog.String("evil", "a\x1b[2Jb"))
}

func TestWhatStandsInGroupsOfAttributesIsSafeToo(t *testing.T) {
	self := []any{nil}
	self[0] = self
	var out bytes.Buffer
	before := slog.Default()
	defer slog.SetDefault(before)
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.SetDefault(slog.New(h))
		out.Reset()
		run(t, func(ctx context.Context) error {
			aio.RunningLoop(ctx).CallExceptionHandler(aio.Report{Message: "m", Attrs: []slog.Attr{
				slog.Group("g", slog.Any("self", self), slog.Group("in", slog.Any("self", self), slog.String("s", "\u202ex"))),
				slog.Any("endless", selfGroup{}),
			}})
			return nil
		}, aio.WithExceptionHandler(nil))
		if text := out.String(); len(text) > 100<<10 || strings.ContainsAny(text, "\x1b\u202e") || !strings.Contains(text, "evil") {
			t.Errorf("%d bytes: %.300q", len(text), text)
		}
	}
}

// logLines makes the default logger send its lines to the channel it returns, until the test ends.
func logLines(t *testing.T) <-chan string {
	lines := make(chan string, 1000)
	setLog(t, slog.NewTextHandler(lineWriter(lines), nil))
	return lines
}

type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default: // nobody reads any more
	}
	return len(p), nil
}

var _ io.Writer = lineWriter(nil)

// blockUntil holds the loop up until a line of the log has the text.
func blockUntil(t *testing.T, lines <-chan string, text string) string {
	limit := time.After(time.Minute)
	for {
		select {
		case line := <-lines:
			if strings.Contains(line, text) {
				return line
			}
		case <-limit:
			t.Errorf("no line of the log has %q", text)
			return ""
		}
	}
}

func TestTheWatchdogNamesATaskThatBlocksWhileItDoes(t *testing.T) {
	lines := logLines(t)
	var line string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		guilty := aio.Start(ctx, func(context.Context) error {
			line = blockUntil(t, lines, "the loop is blocked") // the loop cannot go on before it was logged
			return nil
		}, aio.Name("guilty"))
		_, err := guilty.Await(ctx)
		return err
	}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, line, "level=WARN", "aio: the loop is blocked by a select; use aio.Select, or ToThread if a library makes the call", "at=", "aio_test.blockUntil loop_report_test.go:",
		"TestTheWatchdogNamesATaskThatBlocksWhileItDoes.func1.1", `state=select`, "for=")
	wantText(t, line, "task=guilty")
	if strings.Contains(line, "testing.tRunner") || strings.Contains(line, "aio.(*") {
		t.Errorf("the stack is not the user's alone: %s", line)
	}
}

func TestTheWatchdogNamesACallbackThatBlocksWhileItDoes(t *testing.T) {
	for _, debug := range []bool{false, true} {
		lines := logLines(t)
		var line string
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			done := &aiosync.Event{}
			l.CallSoon(func() {
				line = blockUntil(t, lines, "the loop is blocked")
				done.Set()
			})
			return done.Wait(ctx)
		}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(debug))
		if err != nil {
			t.Fatal(err)
		}
		wantText(t, line, "aio_test.blockUntil loop_report_test.go:", "TestTheWatchdogNamesACallbackThatBlocksWhileItDoes.func1.1")
		if strings.Contains(line, "testing.tRunner") || strings.Contains(line, " task=") {
			t.Errorf("the line is not about the callback alone: %s", line)
		}
	}
}

func TestTheWatchdogSeesATaskBehindAnotherThatMakesItsSteps(t *testing.T) {
	lines := logLines(t)
	var line string
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		for range 3 { // main hosts them, or one of them the others
			aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) })
		}
		guilty := aio.Start(ctx, func(ctx context.Context) error {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			line = blockUntil(t, lines, "the loop is blocked")
			return nil
		})
		_, err := guilty.Await(ctx)
		return err
	}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, line, "aio_test.blockUntil loop_report_test.go:", "TestTheWatchdogSeesATaskBehindAnother")
}

func TestTheWatchdogLogsAComputationToo(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("nothing interrupts a computation where there is one thread")
	}
	lines := logLines(t)
	var line string
	err := aio.Run(t.Context(), func(context.Context) error {
		for limit := time.Now().Add(time.Minute); line == "" && time.Now().Before(limit); {
			select {
			case line = <-lines:
			default:
			}
		}
		return nil
	}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, line, "the loop is blocked", "TestTheWatchdogLogsAComputationToo.func1")
}

func TestTheWatchdogLeavesALoopThatWaitsAloneAndEndsWithTheRun(t *testing.T) {
	before := runtime.NumGoroutine()
	lines := logLines(t)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		return aio.Sleep(ctx, 100*time.Millisecond)
	}, aio.WithSlowCallback(time.Second), aio.WithDebug(false))
	if err != nil {
		t.Fatal(err)
	}
	wantGoroutines(t, before)
	select {
	case line := <-lines:
		t.Errorf("logged: %s", line)
	default:
	}
	run(t, func(context.Context) error {
		if n := runtime.NumGoroutine(); n > before+2 { // the stacks of main and of nobody else
			t.Errorf("%d goroutines, %d before", n, before)
		}
		return nil
	}, aio.WithSlowCallback(0), aio.WithDebug(false))
}

// Conformance: DB-006.
func TestInDebugModeHandlesNameTheLineThatScheduledThem(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		_, _, here, _ := runtime.Caller(0)
		handles := []interface{ String() string }{
			l.CallSoon(idleCallback),               // here + 2
			l.CallLater(time.Second, idleCallback), // here + 3
			l.CallAt(l.Time(), idleCallback),       // here + 4
		}
		for i, h := range handles {
			wantText(t, h.String(), "<Handle loop_report_test.go:", " scheduled at loop_report_test.go:"+strconv.Itoa(here+2+i)+">")
		}
		l.SetDebug(false)
		if s := l.CallSoon(idleCallback).String(); strings.Contains(s, "scheduled at") {
			t.Errorf("without debug mode: %s", s)
		}
		return nil
	}, aio.WithDebug(true))
}

func idleCallback() {}

func TestASlowStepIsReportedAsAWarningWithTheTimeItTook(t *testing.T) {
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		l.SetSlowCallbackDuration(time.Millisecond)
		l.CallSoon(func() { time.Sleep(2 * time.Millisecond) }) // a slow step is what is reported
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		l.SetSlowCallbackDuration(0)                            // switched off
		l.CallSoon(func() { time.Sleep(2 * time.Millisecond) }) // as slow as before
		return aio.Yield(ctx)
	}, aio.WithDebug(true))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, r := range seen.All() {
		if strings.Contains(r.Message, "loop_report_test.go") {
			n++
			wantText(t, r.Message, "blocked the loop for ", "ms; move blocking calls and long computations into ToThread")
			if !r.Warning {
				t.Error("it is no warning")
			}
		}
	}
	if n != 1 {
		t.Errorf("%d reports about the callbacks: %q", n, seen.Strings())
	}
}

func TestTheWatchdogNamesTheRemedyForWhatBlocks(t *testing.T) {
	needProcesses(t)
	var mu sync.Mutex
	var rw, rw2 sync.RWMutex
	var once sync.Once
	var all sync.WaitGroup
	cond := sync.NewCond(&sync.Mutex{})
	ch, full := make(chan int), make(chan int)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	stop := make(chan struct{})
	onces := make(chan struct{})
	for name, c := range map[string]struct {
		before, block, free func()
		want                string
	}{
		"mutex":      {mu.Lock, mu.Lock, mu.Unlock, "by sync.Mutex.Lock; use aiosync.Lock"},
		"write lock": {rw.RLock, rw.Lock, rw.RUnlock, "use aiosync.RWLock"},
		"read lock":  {rw2.Lock, rw2.RLock, rw2.Unlock, "use aiosync.RWLock"},
		"wait group": {func() { all.Add(1) }, all.Wait, all.Done, "by sync.WaitGroup.Wait; start the tasks in an aio.Group"},
		"condition": {nil, func() { cond.L.Lock(); cond.Wait(); cond.L.Unlock() }, func() { cond.L.Lock(); cond.Signal(); cond.L.Unlock() },
			"use aiosync.Condition"},
		"receive": {nil, func() { <-ch }, func() { ch <- 1 }, "by a receive from a channel; use aio.Recv"},
		"range": {nil, func() {
			for range ch {
				return
			}
		}, func() { ch <- 1 }, "use aio.Recv"},
		"send": {nil, func() { full <- 1 }, func() { <-full }, "use aio.Send"},
		"select": {nil, func() {
			select {
			case <-full:
			case <-ch:
			}
		}, func() { ch <- 1 }, "use aio.Select"},
		"once": {func() { go once.Do(func() { close(onces); <-stop }); <-onces }, func() { once.Do(func() {}) }, func() { close(stop) },
			"move what it runs into ToThread"},
		"file": {nil, func() { _, _ = r.Read(make([]byte, 1)) }, func() { _, _ = w.Write([]byte{1}) }, "use package aiofile"},
	} {
		t.Run(name, func(t *testing.T) {
			lines := logLines(t)
			var line string
			freed := make(chan struct{})
			if c.before != nil {
				c.before()
			}
			go func() {
				defer close(freed)
				line = blockUntil(t, lines, c.want)
				c.free()
			}()
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				_, err := aio.Start(ctx, func(context.Context) error { c.block(); return nil }, aio.Name("guilty")).Await(ctx)
				return err
			}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
			<-freed
			if err != nil || !strings.Contains(line, "task=guilty") || !strings.Contains(line, `at="github.com/aio-go/aio_test.TestTheWatchdogNamesTheRemedy`) {
				t.Errorf("%v, %s", err, line)
			}
		})
	}
	t.Run("sleep", func(t *testing.T) {
		lines := logLines(t)
		var line string
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			for line == "" && ctx.Err() == nil {
				time.Sleep(200 * time.Millisecond) // it blocks the loop, which the watchdog is to see
				select {
				case l := <-lines:
					if strings.Contains(l, "use aio.Sleep") {
						line = l
					}
				default:
				}
			}
			return nil
		}, aio.WithSlowCallback(20*time.Millisecond), aio.WithDebug(false))
		if err != nil || !strings.Contains(line, "by time.Sleep; use aio.Sleep") {
			t.Errorf("%v, %q", err, line)
		}
	})
}
