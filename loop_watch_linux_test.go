package aio_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// socketPair returns two connected non-blocking sockets that are closed when the test ends.
func socketPair(t *testing.T) (a, b uintptr) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fd := range fds {
			syscall.Close(fd) // some are closed by the test
		}
	})
	return uintptr(fds[0]), uintptr(fds[1])
}

func write(t *testing.T, fd uintptr, text string) {
	t.Helper()
	if _, err := syscall.Write(int(fd), []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, fd uintptr) string {
	t.Helper()
	var buf [100]byte
	n, err := syscall.Read(int(fd), buf[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

// Conformance: FD-001.
func TestAReaderIsCalledWhenDataArrivesAndAtTheEnd(t *testing.T) {
	a, b := socketPair(t)
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		got := aiosync.NewQueue[string](0)
		err := l.AddReader(a, func() {
			text := read(t, a)
			j.Add("read %q, in task: %v", text, l.CurrentTask() != nil)
			if text == "" {
				j.Add("removed: %v, %v", l.RemoveReader(a), l.RemoveReader(a))
			}
			got.PutNowait(text)
		})
		if err != nil {
			return err
		}
		write(t, b, "one")
		got.Get(ctx)
		write(t, b, "two")
		got.Get(ctx)
		syscall.Close(int(b))
		got.Get(ctx)
		if n := l.Snapshot(false).Descriptors; n != 0 {
			t.Errorf("%d descriptors", n)
		}
		j.Want(t, `read "one", in task: false`, `read "two", in task: false`, `read "", in task: false`, "removed: true, false")
		return nil
	})
}

func TestAReaderThatTakesOnlyAPartIsCalledAgain(t *testing.T) {
	a, b := socketPair(t)
	run(t, func(ctx context.Context) error {
		var text []byte
		done := &aiosync.Event{}
		l := aio.RunningLoop(ctx)
		err := l.AddReader(a, func() {
			var buf [1]byte
			n, _ := syscall.Read(int(a), buf[:])
			if text = append(text, buf[:n]...); len(text) == 5 {
				l.RemoveReader(a)
				done.Set()
			}
		})
		if err != nil {
			return err
		}
		write(t, b, "hello")
		if err := done.Wait(ctx); err != nil {
			return err
		}
		if string(text) != "hello" {
			t.Errorf("got %q", text)
		}
		return nil
	})
}

// Conformance: FD-002.
func TestAWriterIsCalledWhileThereIsRoom(t *testing.T) {
	a, _ := socketPair(t)
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		done := &aiosync.Event{}
		n := 0
		err := l.AddWriter(a, func() {
			if n++; n == 3 { // level-triggered: there is still room
				j.Add("removed: %v, %v", l.RemoveWriter(a), l.RemoveWriter(a))
				done.Set()
			}
		})
		if err != nil {
			return err
		}
		if err := done.Wait(ctx); err != nil {
			return err
		}
		for range 100 {
			aio.Yield(ctx)
		}
		j.Want(t, "removed: true, false")
		if n != 3 {
			t.Errorf("called %d times", n)
		}
		return nil
	})
}

// Conformance: FD-003, FD-004.
func TestASecondReaderOrWriterReplacesTheFirstAndLeavesTheOtherSide(t *testing.T) {
	a, b := socketPair(t)
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		wrote, got := &aiosync.Event{}, &aiosync.Event{}
		writer := func(name string) func() {
			return func() {
				j.Add("%s writer", name)
				l.RemoveWriter(a)
				wrote.Set()
			}
		}
		reader := func(name string) func() {
			return func() {
				j.Add("%s reader %s", name, read(t, a))
				got.Set()
			}
		}
		write(t, b, "x")
		err := errors.Join(
			l.AddWriter(a, writer("first")), l.AddReader(a, reader("first")),
			l.AddReader(a, reader("second")), l.AddWriter(a, writer("second")))
		if err != nil {
			return err
		}
		if err := errors.Join(wrote.Wait(ctx), got.Wait(ctx)); err != nil {
			return err
		}
		if n := l.Snapshot(false).Descriptors; n != 1 {
			t.Errorf("%d descriptors", n)
		}
		j.Want(t, "second reader x", "second writer")
		l.RemoveReader(a)
		return nil
	})
}

// Conformance: FD-005.
func TestRemovingOneSideLeavesTheOther(t *testing.T) {
	a, b := socketPair(t)
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		step := &aiosync.Event{}
		reader := func() { j.Add("reader %s", read(t, a)); step.Set() }
		writer := func() { j.Add("writer"); l.RemoveWriter(a); step.Set() }
		if err := errors.Join(l.AddReader(a, reader), l.AddWriter(a, writer)); err != nil {
			return err
		}
		j.Add("reader removed: %v", l.RemoveReader(a))
		write(t, b, "1") // nobody listens
		step.Wait(ctx)
		step.Clear()
		if err := errors.Join(l.AddReader(a, reader), l.AddWriter(a, writer)); err != nil {
			return err
		}
		j.Add("writer removed: %v", l.RemoveWriter(a))
		step.Wait(ctx)
		j.Add("left: %v, %v", l.RemoveWriter(a), l.RemoveReader(a))
		j.Want(t, "reader removed: true", "writer", "writer removed: true", "reader 1", "left: false, true")
		return nil
	})
}

// Conformance: FD-007.
func TestDescriptorCallbacksStandInTheReadyQueue(t *testing.T) {
	a, b := socketPair(t)
	c, d := socketPair(t)
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		first := true
		callback := func(fd uintptr) func() {
			return func() {
				j.Add("reader %s", read(t, fd))
				l.CallSoon(func() { j.Add("queued by a reader") })
				if first { // the other is ready, too, and stands in the queue
					first = false
					l.RemoveReader(a)
					l.RemoveReader(c)
				}
			}
		}
		if err := errors.Join(l.AddReader(a, callback(a)), l.AddReader(c, callback(c))); err != nil {
			return err
		}
		write(t, b, "data")
		write(t, d, "data")
		if err := aio.Sleep(ctx, 1); err != nil {
			return err
		}
		j.Want(t, "reader data", "queued by a reader")
		return nil
	})
}

func TestAPanicInAReaderIsReportedAndTheLoopGoesOn(t *testing.T) {
	a, b := socketPair(t)
	seen, err := runReports(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		done := &aiosync.Event{}
		err := l.AddReader(a, func() {
			defer done.Set()
			l.RemoveReader(a)
			panic("in a reader")
		})
		if err != nil {
			return err
		}
		write(t, b, "x")
		return done.Wait(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	list := seen.All()
	if len(list) != 1 || !strings.HasPrefix(list[0].Message, "a callback panicked") {
		t.Fatalf("reports: %v", list)
	}
	var p *aio.PanicError
	if !errors.As(list[0].Err, &p) || p.Value != "in a reader" {
		t.Errorf("the error is %v", list[0].Err)
	}
}

// Conformance: FD-008 (R9: a descriptor is a number; the system refuses what is none).
func TestWhatIsNoDescriptorIsRefused(t *testing.T) {
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		for _, add := range []func(uintptr, func()) error{l.AddReader, l.AddWriter} {
			if err := add(1<<20, func() {}); !errors.Is(err, syscall.EBADF) || !strings.Contains(err.Error(), "descriptor 1048576") {
				t.Errorf("got %v", err)
			}
			wantPanic(t, func() { add(0, nil) }, "aio: Loop.Add", "the function is nil")
		}
		f, err := os.Create(t.TempDir() + "/file")
		if err != nil {
			return err
		}
		defer f.Close()
		if err := l.AddReader(f.Fd(), func() {}); !errors.Is(err, syscall.EPERM) { // a file is always ready; epoll does not take it
			t.Errorf("got %v", err)
		}
		if l.RemoveReader(1<<20) || l.RemoveWriter(f.Fd()) {
			t.Error("something was registered")
		}
		if n := l.Snapshot(false).Descriptors; n != 0 {
			t.Errorf("%d descriptors", n)
		}
		return nil
	})
	l := aio.NewLoop()
	l.Close()
	wantPanic(t, func() { l.AddReader(0, func() {}) }, "aio: Loop.AddReader: the loop is closed")
}

// Conformance: FD-009.
func TestTheDescriptorOfAWatchIsRefusedToReadersAndWriters(t *testing.T) {
	a, b := socketPair(t)
	run(t, func(ctx context.Context) error {
		l := aio.RunningLoop(ctx)
		var seen []aio.Interest
		came := &aiosync.Event{}
		w, err := l.Watch(a, func(ev aio.Interest) {
			seen = append(seen, ev)
			if ev&aio.Readable != 0 {
				came.Set()
			}
		})
		if err != nil {
			return err
		}
		for _, add := range []func(uintptr, func()) error{l.AddReader, l.AddWriter} {
			if err := add(a, func() { t.Error("called") }); !errors.Is(err, aio.ErrOwnedDescriptor) {
				t.Errorf("got %v", err)
			}
		}
		if l.RemoveReader(a) || l.RemoveWriter(a) {
			t.Error("something was registered")
		}
		write(t, b, "x") // the watch is as it was
		if err := came.Wait(ctx); err != nil {
			return err
		}
		w.Close()
		w.Close()
		if err := l.AddReader(a, func() {}); err != nil { // now it is free
			t.Error(err)
		}
		if _, err := l.Watch(a, func(aio.Interest) {}); !errors.Is(err, syscall.EEXIST) {
			t.Errorf("got %v", err)
		}
		l.RemoveReader(a)
		return nil
	})
}

func TestADescriptorMayBeUsedAgainByAnotherFile(t *testing.T) {
	run(t, func(ctx context.Context) error {
		var j journal
		l := aio.RunningLoop(ctx)
		for _, text := range []string{"first", "second"} {
			a, b := socketPair(t)
			got := &aiosync.Event{}
			if err := l.AddReader(a, func() { j.Add("%s", read(t, a)); got.Set() }); err != nil {
				return err
			}
			write(t, b, text)
			if err := got.Wait(ctx); err != nil {
				return err
			}
			l.RemoveReader(a)
			syscall.Close(int(a))
			syscall.Close(int(b))
		}
		j.Want(t, "first", "second")
		return nil
	})
}

func TestReadersAndWritersAreForgottenWhenTheLoopIsClosed(t *testing.T) {
	a, b := socketPair(t)
	l := aio.NewLoop()
	if err := errors.Join(l.AddReader(a, func() {}), l.AddWriter(b, func() {})); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if l.RemoveReader(a) || l.RemoveWriter(b) { // harmless
		t.Error("there was something to remove")
	}
}

func TestALoopWithoutPollerSaysSo(t *testing.T) {
	none := func() (aio.Poller, error) { return nil, errors.ErrUnsupported }
	broken := func() (aio.Poller, error) { return nil, errBoom }
	for want, poller := range map[error]func() (aio.Poller, error){aio.ErrNoPoller: none, errBoom: broken} {
		run(t, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			_, err := l.Watch(0, func(aio.Interest) {})
			if got := []error{err, l.AddReader(0, func() {}), l.AddWriter(0, func() {})}; slices.ContainsFunc(got, func(err error) bool { return !errors.Is(err, want) }) {
				t.Errorf("got %v, want %v", got, want)
			}
			return nil
		}, aio.WithPoller(poller))
	}
}

// A descriptor that answers itself keeps the loop in dense traffic, where the poller's gate opens
// and shuts. Functions on other goroutines still come back, on one processor and on two, with and
// without a timer of the program.
func TestToThreadComesBackUnderDenseTraffic(t *testing.T) {
	for _, procs := range []int{1, 2} {
		for _, timed := range []bool{false, true} {
			func() {
				defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				if timed {
					defer time.AfterFunc(time.Hour, func() {}).Stop()
				}
				fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer syscall.Close(fds[0])
				defer syscall.Close(fds[1])
				rounds := 0
				err = aio.Run(context.Background(), func(ctx context.Context) error {
					buf := make([]byte, 1)
					for i := range fds {
						w, err := aio.RunningLoop(ctx).Watch(uintptr(fds[i]), func(aio.Interest) {
							if n, _ := syscall.Read(fds[i], buf); n == 1 {
								rounds++
								syscall.Write(fds[i], buf)
							}
						})
						if err != nil {
							return err
						}
						defer w.Close()
					}
					syscall.Write(fds[0], buf)
					for range 200 {
						if _, err := aio.ToThread(ctx, func(context.Context) (int, error) { return 1, nil }); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil || rounds == 0 {
					t.Fatalf("procs %d: %v after %d rounds", procs, err, rounds)
				}
			}()
		}
	}
}

// With one processor a busy loop lets other goroutines in after some hundred steps.
func TestABusyLoopLetsOtherGoroutinesIn(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	steps := 0
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		ran := make(chan struct{})
		go close(ran)
		for ; steps < 10_000; steps++ {
			select {
			case <-ran:
				return nil
			default:
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || steps > 2048 {
		t.Fatalf("%v; the goroutine had to wait for %d steps", err, steps)
	}
}

// pipe returns the two ends of a pipe that never blocks.
func pipe() (r, w int) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		panic(err)
	}
	return fds[0], fds[1]
}

func ExampleLoop_AddReader() {
	r, w := pipe()
	defer syscall.Close(r)
	defer syscall.Close(w)
	aio.Run(context.Background(), func(ctx context.Context) error {
		loop := aio.RunningLoop(ctx)
		line := aio.NewFuture[string](loop.Context())
		err := loop.AddReader(uintptr(r), func() {
			buf := make([]byte, 100)
			n, _ := syscall.Read(r, buf)
			loop.RemoveReader(uintptr(r))
			line.SetResult(string(buf[:n]))
		})
		if err != nil {
			return err
		}
		syscall.Write(w, []byte("hello"))
		fmt.Println(line.Await(ctx))
		return nil
	})
	// Output: hello <nil>
}

// A watch tells when readiness changes; what is there has to be read up to the end.
func ExampleWatch() {
	r, w := pipe()
	defer syscall.Close(r)
	defer syscall.Close(w)
	aio.Run(context.Background(), func(ctx context.Context) error {
		var readable aiosync.Event
		watch, err := aio.RunningLoop(ctx).Watch(uintptr(r), func(ev aio.Interest) {
			if ev&aio.Readable != 0 {
				readable.Set()
			}
		})
		if err != nil {
			return err
		}
		defer watch.Close()
		syscall.Write(w, []byte("hello"))
		fmt.Println(readable.Wait(ctx))
		return nil
	})
	// Output: <nil>
}

func ExampleInterest() {
	ev := aio.Readable | aio.HangUp
	fmt.Println(ev&aio.Readable != 0, ev&aio.Writable != 0)
	// Output: true false
}

// A loop asks for a poller when it gets its first descriptor, not before.
func ExampleWithPoller() {
	none := func() (aio.Poller, error) { return nil, errors.New("no descriptors here") }
	aio.Run(context.Background(), func(ctx context.Context) error {
		_, err := aio.RunningLoop(ctx).Watch(os.Stdin.Fd(), func(aio.Interest) {})
		fmt.Println(err != nil)
		return nil
	}, aio.WithPoller(none))
	// Output: true
}
