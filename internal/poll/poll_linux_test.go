package poll

import (
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// guard bounds a wait that must end for another reason.
const guard = 30 * time.Second

func newPoller(t testing.TB) *epoll {
	t.Helper()
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p.(*epoll)
}

// pair returns two connected sockets in non-blocking mode.
func pair(t testing.TB) (a, b int) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX,
		syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Close(fds[0])
		if fds[1] >= 0 {
			syscall.Close(fds[1])
		}
	})
	return fds[0], fds[1]
}

func write(t testing.TB, fd int, s string) {
	t.Helper()
	if _, err := syscall.Write(fd, []byte(s)); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, fd int) string {
	t.Helper()
	var b [64]byte
	n, err := syscall.Read(fd, b[:])
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func add(t testing.TB, p Poller, fd int, token uint64, i Interest) {
	t.Helper()
	if err := p.Add(uintptr(fd), token, i); err != nil {
		t.Fatal(err)
	}
}

// wait returns what one Wait reports.
func wait(t testing.TB, p Poller, d time.Duration) []Event {
	t.Helper()
	events := make([]Event, 8)
	n, err := p.Wait(events, d)
	if err != nil {
		t.Fatal(err)
	}
	return events[:n]
}

func expect(t testing.TB, got []Event, want ...Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

func TestAnEdgeIsReportedOnce(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	const token = 0xfedcba9876543210
	add(t, p, a, token, Readable|Edge)
	expect(t, wait(t, p, 0))
	write(t, b, "x")
	expect(t, wait(t, p, guard), Event{token, Readable})
	expect(t, wait(t, p, 0))
	write(t, b, "y")
	expect(t, wait(t, p, -1), Event{token, Readable})
}

func TestALevelIsReportedAsLongAsItLasts(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 7, Readable)
	write(t, b, "x")
	expect(t, wait(t, p, guard), Event{7, Readable})
	expect(t, wait(t, p, -1), Event{7, Readable})
	read(t, a)
	expect(t, wait(t, p, 0))
}

func TestInterestDecidesWhatIsReported(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Writable)
	write(t, b, "x")
	expect(t, wait(t, p, guard), Event{1, Writable})
	if err := p.Modify(uintptr(a), 2, Readable|Writable); err != nil {
		t.Fatal(err)
	}
	expect(t, wait(t, p, guard), Event{2, Readable | Writable})
	if err := p.Remove(uintptr(a)); err != nil {
		t.Fatal(err)
	}
	expect(t, wait(t, p, 0))
}

func TestModifyReportsAnEdgeAgain(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	write(t, b, "x")
	expect(t, wait(t, p, guard), Event{1, Readable})
	expect(t, wait(t, p, 0))
	if err := p.Modify(uintptr(a), 1, Readable|Edge); err != nil {
		t.Fatal(err)
	}
	expect(t, wait(t, p, 0), Event{1, Readable})
}

func TestAHalfCloseIsAHangUpIfAskedFor(t *testing.T) {
	for _, asked := range []bool{true, false} {
		p := newPoller(t)
		a, b := pair(t)
		interest, want := Readable|Edge, Readable
		if asked {
			interest, want = interest|HangUp, want|HangUp
		}
		add(t, p, a, 3, interest)
		if err := syscall.Shutdown(b, syscall.SHUT_WR); err != nil {
			t.Fatal(err)
		}
		expect(t, wait(t, p, guard), Event{3, want})
	}
}

func TestAFailureConcernsReadersAndWriters(t *testing.T) {
	p := newPoller(t)
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pipe[1])
	add(t, p, pipe[1], 4, Readable|Edge)
	syscall.Close(pipe[0])
	expect(t, wait(t, p, guard), Event{4, Readable | Writable | HangUp})
}

func TestADescriptorThatWasClosedIsForgotten(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	c, d := pair(t)
	add(t, p, a, 1, Readable|Edge)
	add(t, p, c, 2, Readable|Edge)
	write(t, b, "x")
	if err := p.Remove(uintptr(a)); err != nil {
		t.Fatal(err)
	}
	write(t, d, "x")
	expect(t, wait(t, p, guard), Event{2, Readable})
}

func TestMoreEventsThanFitComeWithTheNextWait(t *testing.T) {
	p := newPoller(t)
	const n = 5
	for i := range n {
		a, b := pair(t)
		add(t, p, a, uint64(i), Readable|Edge)
		write(t, b, "x")
	}
	wait(t, p, 0) // a large slice first, so that the inner one is larger than the next
	for i := range n {
		a, b := pair(t)
		add(t, p, a, uint64(i), Readable|Edge)
		write(t, b, "x")
	}
	seen := make(map[uint64]bool)
	events := make([]Event, 2)
	for range 3 {
		n, err := p.Wait(events, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, ev := range events[:n] {
			seen[ev.Token] = true
		}
	}
	if len(seen) != n {
		t.Fatalf("got %d of %d events", len(seen), n)
	}
}

func TestErrorsTellTheSystemsReason(t *testing.T) {
	p := newPoller(t)
	a, _ := pair(t)
	add(t, p, a, 1, Readable)
	if err := p.Add(uintptr(a), 1, Readable); !errors.Is(err, syscall.EEXIST) {
		t.Errorf("added twice: %v", err)
	}
	if err := p.Remove(uintptr(a)); err != nil {
		t.Error(err)
	}
	if err := p.Remove(uintptr(a)); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("removed twice: %v", err)
	}
	f, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := p.Add(f.Fd(), 1, Readable); !errors.Is(err, syscall.EPERM) {
		t.Errorf("a regular file: %v", err)
	}
	var se *os.SyscallError
	if err := p.Add(1<<20, 1, Readable); !errors.As(err, &se) || !errors.Is(err, syscall.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
}

func TestAClosedPollerFails(t *testing.T) {
	p, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p.Wake()
	for _, d := range []time.Duration{-1, 0, time.Hour} {
		if _, err := p.Wait(make([]Event, 1), d); !errors.Is(err, os.ErrClosed) {
			t.Errorf("Wait: got %v, want os.ErrClosed", err)
		}
	}
	if err := p.Add(0, 1, Readable); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Add: got %v, want os.ErrClosed", err)
	}
}

func TestALimitedWaitEndsWithoutEvents(t *testing.T) {
	p := newPoller(t)
	expect(t, wait(t, p, time.Millisecond))
	expect(t, wait(t, p, 1)) // has passed before the goroutine parks
	expect(t, wait(t, p, 0))
}

func TestAWaitWhoseTimeHasPassedStillLooks(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	write(t, b, "x")
	expect(t, wait(t, p, 1), Event{1, Readable})
}

func TestAPassedLimitDoesNotDisturbTheNextWait(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	expect(t, wait(t, p, time.Microsecond))
	go syscall.Write(b, []byte("x"))
	expect(t, wait(t, p, -1), Event{1, Readable})
}

func TestWakeEndsTheNextWaitThatWouldPark(t *testing.T) {
	p := newPoller(t)
	p.Wake()
	p.Wake()
	expect(t, wait(t, p, 0)) // does not take the wake-up
	expect(t, wait(t, p, -1))
	expect(t, wait(t, p, time.Millisecond)) // the two count as one
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	go syscall.Write(b, []byte("x"))
	expect(t, wait(t, p, -1), Event{1, Readable})
}

func TestAWokenWaitReportsWhatIsReady(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	write(t, b, "x")
	p.Wake()
	expect(t, wait(t, p, -1), Event{1, Readable})
}

func TestWakeEndsAWaitThatIsParked(t *testing.T) {
	for _, d := range []time.Duration{-1, time.Hour} {
		p := newPoller(t)
		go func() {
			for p.state.Load() != parked {
				runtime.Gosched()
			}
			p.Wake()
		}()
		expect(t, wait(t, p, d))
		if p.state.Load() != idle {
			t.Fatal("the wake-up is still pending")
		}
	}
}

// A poster appends an item and wakes the poller; the waiter takes the items after each Wait, as a
// loop does. If a wake-up were lost, the waiter would stay parked with items to take.
func TestNoWakeUpIsLost(t *testing.T) {
	const posters, items = 4, 2000
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)

	var posted atomic.Int64
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() {
			for j := range items {
				posted.Add(1)
				p.Wake()
				switch {
				case j%7 == i:
					runtime.Gosched()
				case j%64 == 0:
					syscall.Write(b, []byte("x")) // events and wake-ups meet
				}
			}
		})
	}
	var stuck atomic.Bool
	timer := time.AfterFunc(guard, func() { stuck.Store(true); p.Wake() })
	defer timer.Stop()

	events := make([]Event, 4)
	for turn := 0; posted.Load() < posters*items; turn++ {
		d := time.Duration(-1)
		if turn%3 == 0 {
			d = time.Hour
		}
		if _, err := p.Wait(events, d); err != nil {
			t.Fatal(err)
		}
		if stuck.Load() {
			t.Fatal("a wake-up was lost")
		}
	}
	wg.Wait()
}

// Each item is posted only after the one before was taken, so every single wake-up is needed.
func TestEachWakeUpCounts(t *testing.T) {
	const items = 5000
	p := newPoller(t)
	var posted, taken atomic.Int64
	var stuck atomic.Bool
	timer := time.AfterFunc(guard, func() { stuck.Store(true); p.Wake() })
	defer timer.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := int64(1); i <= items; i++ {
			posted.Store(i)
			p.Wake()
			for taken.Load() < i && !stuck.Load() {
				runtime.Gosched()
			}
		}
	}()
	events := make([]Event, 4)
	for taken.Load() < items {
		if posted.Load() == taken.Load() {
			if _, err := p.Wait(events, -1); err != nil {
				t.Fatal(err)
			}
		}
		if stuck.Load() {
			t.Fatal("a wake-up was lost")
		}
		taken.Store(posted.Load())
	}
	<-done
}

func TestWaitAndWakeDoNotAllocate(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	events := make([]Event, 8)
	buf := make([]byte, 8)
	got := testing.AllocsPerRun(100, func() {
		syscall.Write(b, buf[:1])
		if n, err := p.Wait(events, time.Hour); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		syscall.Read(a, buf)
		p.Wake()
		p.Wait(events, -1)
	})
	if got != 0 {
		t.Fatalf("%v allocations, want none", got)
	}
}

func BenchmarkLook(b *testing.B) {
	p := newPoller(b)
	events := make([]Event, 8)
	for b.Loop() {
		p.Wait(events, 0)
	}
}

func BenchmarkWakeAParkedWait(b *testing.B) {
	p := newPoller(b)
	events := make([]Event, 8)
	ask := make(chan struct{})
	go func() {
		for range ask {
			p.Wake()
		}
	}()
	defer close(ask)
	for b.Loop() {
		ask <- struct{}{}
		p.Wait(events, -1)
	}
}
