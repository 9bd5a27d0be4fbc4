package recorder_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/recorder"
)

// dumps collects recordings, from any goroutine.
type dumps struct {
	mu  sync.Mutex
	all []recorder.Recording
	got chan struct{} // closed with the first one
}

func (d *dumps) option() recorder.Option {
	d.got = make(chan struct{})
	return recorder.OnDump(func(r recorder.Recording) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.all = append(d.all, r); len(d.all) == 1 {
			close(d.got)
		}
	})
}

func (d *dumps) reasons() (reasons []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.all {
		reasons = append(reasons, r.Reason)
	}
	return reasons
}

// quietly keeps what is logged.
func quietly(t *testing.T) *bytes.Buffer {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &log
}

func TestAPanicIsRecorded(t *testing.T) {
	quietly(t)
	var d dumps
	v := looptest.PanicOf(func() {
		_ = aio.Run(context.Background(), func(ctx context.Context) error {
			aio.CreateTask(ctx, func(context.Context) (int, error) { panic("oh no") }, aio.Name("culprit"))
			return aio.Sleep(ctx, time.Second)
		}, aio.WithClock(aio.NewVirtualClock()), recorder.On(d.option()))
	})
	if v == nil {
		t.Error("Run does not panic")
	}
	if got := fmt.Sprint(d.reasons()); got != "[a task panicked: culprit]" {
		t.Fatalf("the reasons are %s", got)
	}
	last := d.all[0].Events[len(d.all[0].Events)-1]
	if last.Do != recorder.Step || d.all[0].Tasks[last.Task-1].Name != "culprit" {
		t.Errorf("the last event is %+v", last)
	}
}

func TestAPanicOfACallbackIsRecorded(t *testing.T) {
	quietly(t)
	var d dumps
	recorded(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(func() { panic("oh no") })
		return aio.Sleep(ctx, time.Second)
	}, d.option())
	if got := fmt.Sprint(d.reasons()); got != "[a callback panicked]" {
		t.Fatalf("the reasons are %s", got)
	}
}

func TestADeadlockIsRecorded(t *testing.T) {
	var d dumps
	var one, two aiosync.Lock
	cross := func(first, second *aiosync.Lock) func(ctx context.Context) error {
		return func(ctx context.Context) error {
			return first.With(ctx, func(ctx context.Context) error {
				if err := aio.Yield(ctx); err != nil {
					return err
				}
				return second.Acquire(ctx)
			})
		}
	}
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(cross(&one, &two))
			g.Go(cross(&two, &one))
			return nil
		})
	}, aio.WithClock(aio.NewVirtualClock()), recorder.On(d.option()))
	var deadlock *aio.DeadlockError
	if !errors.As(err, &deadlock) {
		t.Error(err)
	}
	if got := fmt.Sprint(d.reasons()); got != "[a deadlock]" {
		t.Errorf("the reasons are %s", got)
	}
}

// The watchdog's recording comes while the step still blocks the loop.
func TestAStepThatBlocksTheLoopIsRecordedWhileItDoes(t *testing.T) {
	quietly(t)
	var d dumps
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			waker := g.Go(func(ctx context.Context) error { return aio.Sleep(ctx, time.Millisecond) }, aio.Name("waker"))
			g.Go(func(ctx context.Context) error {
				_, err := waker.Await(ctx)
				<-d.got
				return err
			}, aio.Name("culprit"))
			return nil
		})
	}, aio.WithSlowCallback(20*time.Millisecond), recorder.On(d.option()))
	if err != nil {
		t.Error(err)
	}
	if got := d.reasons(); len(got) == 0 || got[0] != "a step blocks the loop" {
		t.Fatalf("the reasons are %s", got)
	}
	if text := told(d.all[0]); !strings.Contains(text, "timer waker") {
		t.Errorf("it tells\n%s", text)
	}
}

func TestADumpIsAFileThatOnlyItsUserMayRead(t *testing.T) {
	log := quietly(t)
	dir := filepath.Join(t.TempDir(), "made")
	recorded(t, func(ctx context.Context) error {
		for range 20 {
			aio.RunningLoop(ctx).CallSoon(func() { panic("oh no") })
		}
		return aio.Sleep(ctx, time.Second)
	}, recorder.DumpTo(dir))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 16 {
		t.Fatalf("%v, the files are %q", err, files)
	}
	if !regexp.MustCompile(`aio-\d+-\d+-1\.jsonl$`).MatchString(files[0]) {
		t.Errorf("the first file is %s", files[0])
	}
	info, err := os.Stat(files[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, its mode is %v", err, info.Mode())
	}
	f, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if r, err := recorder.Read(f); err != nil || r.Reason != "a callback panicked" || len(r.Events) == 0 {
		t.Errorf("%v, it reads %+v", err, r)
	}
	if !strings.Contains(log.String(), files[0]) {
		t.Errorf("the log does not name the file:\n%s", log)
	}
}

func TestAFunctionForDumpsThatPanicsHarmsNobody(t *testing.T) {
	log := quietly(t)
	recorded(t, func(ctx context.Context) error {
		aio.RunningLoop(ctx).CallSoon(func() { panic("oh no") })
		return aio.Sleep(ctx, time.Second)
	}, recorder.OnDump(func(recorder.Recording) { panic("worse") }))
	if !strings.Contains(log.String(), "the function of recorder.OnDump panicked: worse") {
		t.Errorf("the log says\n%s", log)
	}
}

func TestOptionsThatMakeNoSenseAreMisuse(t *testing.T) {
	for want, fn := range map[string]func(){
		"Events: the number is not positive": func() { recorder.Events(0) },
		"OnDump: the function is nil":        func() { recorder.OnDump(nil) },
		"OnSignal: nobody would see":         func() { recorder.On(recorder.OnSignal(os.Interrupt)) },
		"OnSignal: ":                         func() { recorder.OnSignal(os.Kill) },
		"On: an option is nil":               func() { recorder.On(nil) },
	} {
		looptest.WantPanic(t, fn, "aio: recorder."+want)
	}
}

func TestLabelsAndRegionsHaveTheNamesOfTasks(t *testing.T) {
	var log bytes.Buffer
	if err := trace.Start(&log); err != nil {
		t.Skip(err) // somebody else traces
	}
	var profile bytes.Buffer
	recorded(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error { return aio.Sleep(ctx, time.Second) }, aio.Name("labelled task"))
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
			return err
		}
		_, err := task.Await(ctx)
		return err
	}, recorder.Labels(), recorder.Regions())
	trace.Stop()
	if !strings.Contains(profile.String(), `"aio_task":"labelled task"`) {
		t.Errorf("the profile has no label:\n%.2000s", profile.String())
	}
	if !bytes.Contains(log.Bytes(), []byte("labelled task")) {
		t.Error("the trace has no region")
	}
}

func TestATraceHasATrackForEachTaskAndArrowsFromWakerToWoken(t *testing.T) {
	var b bytes.Buffer
	if err := recorded(t, handsOver).WriteTrace(&b); err != nil {
		t.Fatal(err)
	}
	var file struct {
		TraceEvents []struct {
			Name, Cat, Ph, Bp string
			Ts, Dur           float64
			PID, TID          int
			ID                string
			Args              map[string]any
		} `json:"traceEvents"`
		OtherData map[string]any `json:"otherData"`
	}
	if err := json.Unmarshal(b.Bytes(), &file); err != nil {
		t.Fatal(err)
	}
	tracks := map[int]string{}
	begins := map[string]string{}
	var arrows, second []string
	for _, e := range file.TraceEvents {
		switch {
		case e.Name == "thread_name":
			tracks[e.TID] = e.Args["name"].(string)
		case e.Ph == "s":
			begins[e.ID] = tracks[e.TID]
		case e.Ph == "f":
			arrows = append(arrows, fmt.Sprintf("%s -> %s at %.0f", begins[e.ID], tracks[e.TID], e.Ts/1e6))
		case e.Ph == "X" && e.TID == 3:
			second = append(second, fmt.Sprintf("%s at %.0f", e.Name, e.Ts/1e6))
		}
		if e.Ph == "X" && e.Dur < 0 {
			t.Errorf("%+v lasts less than no time", e)
		}
	}
	if got := fmt.Sprint(tracks); got != "map[0:loop 1:main #1 2:first #2 3:second #3]" {
		t.Errorf("the tracks are %s", got)
	}
	want := "[main #1 -> first #2 at 0 main #1 -> second #3 at 0 loop -> first #2 at 1 " +
		"first #2 -> second #3 at 1 loop -> second #3 at 2 loop -> main #1 at 2]"
	if got := fmt.Sprint(arrows); got != want {
		t.Errorf("the arrows are\n%s\nwant\n%s", got, want)
	}
	if got := fmt.Sprint(second); got != "[first step at 0 after Lock.Acquire at 1 after Sleep at 2]" {
		t.Errorf("the steps of the second task are %s", got)
	}
	if file.OtherData["program"] == "" {
		t.Errorf("the head is %v", file.OtherData)
	}
}
