package poll

import (
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// shut has the gate of p shut by two reports of events, as dense traffic does. What was reported
// stays linked in the outer set.
func shut(t testing.TB, p *epoll) {
	t.Helper()
	a, b := pair(t)
	add(t, p, a, 99, Readable|Edge)
	for range 2 {
		// the last report was just now, however slow the machine is
		p.gate.last = time.Since(start) + time.Hour
		write(t, b, "x")
		expect(t, wait(t, p, guard), Event{99, Readable})
	}
	if p.gate.open {
		t.Fatal("the gate is open after dense traffic")
	}
	if err := p.Remove(uintptr(a)); err != nil {
		t.Fatal(err)
	}
}

func TestTheGateIsShutInDenseTrafficAlone(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	for range 3 {
		p.gate.last = time.Since(start) - 2*dense
		write(t, b, "x")
		expect(t, wait(t, p, -1), Event{1, Readable})
		if !p.gate.open {
			t.Fatal("sparse traffic has shut the gate")
		}
	}
	shut(t, p)
	p.gate.last = time.Since(start) - 2*dense
	write(t, b, "x")
	expect(t, wait(t, p, 0), Event{1, Readable})
	if p.gate.open {
		t.Fatal("a look without parking has opened the gate")
	}
	write(t, b, "x")
	expect(t, wait(t, p, -1), Event{1, Readable})
	if !p.gate.open {
		t.Fatal("the gate is shut after a wait in sparse traffic")
	}
}

// Opening the gate does not report again what the outer set has linked already.
func TestAWaitFindsWhatCameWhileTheGateWasShut(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	for range 3 {
		shut(t, p)
		write(t, b, "x")
		expect(t, wait(t, p, -1), Event{1, Readable})
	}
}

func TestAWaitIsWokenThroughAGateThatWasShut(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	for range 20 {
		shut(t, p)
		go func() {
			for p.state.Load() != parked {
				runtime.Gosched()
			}
			syscall.Write(b, []byte("x"))
		}()
		expect(t, wait(t, p, -1), Event{1, Readable})
	}
}

func TestAWakeReachesAWaitBehindAGateThatWasShut(t *testing.T) {
	p := newPoller(t)
	for range 20 {
		shut(t, p)
		go func() {
			for p.state.Load() != parked {
				runtime.Gosched()
			}
			p.Wake()
		}()
		expect(t, wait(t, p, -1))
	}
}

func TestTheLimitOfAWaitDoesNotEndALaterOne(t *testing.T) {
	for _, d := range []time.Duration{-1, time.Hour} {
		p := newPoller(t)
		a, b := pair(t)
		add(t, p, a, 1, Readable|Edge)
		write(t, b, "x")
		expect(t, wait(t, p, 20*time.Millisecond), Event{1, Readable})
		// The limit passes while the next Wait is parked, and before the event.
		late := time.AfterFunc(50*time.Millisecond, func() { syscall.Write(b, []byte("x")) })
		defer late.Stop()
		expect(t, wait(t, p, d), Event{1, Readable})
	}
}

func TestALimitThatIsNotTooLateStays(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	var limits []time.Time
	for _, d := range []time.Duration{time.Hour, 2 * time.Hour, -1, time.Minute} {
		write(t, b, "x")
		expect(t, wait(t, p, d), Event{1, Readable})
		limits = append(limits, p.until)
	}
	if limits[1] != limits[0] || limits[2] != limits[0] {
		t.Errorf("a limit was set again: %v", limits)
	}
	if !limits[3].Before(limits[0]) {
		t.Errorf("an earlier limit was not set: %v", limits)
	}
}

func TestAWaitTellsWhetherItHasParked(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	write(t, b, "x")
	if expect(t, wait(t, p, -1), Event{1, Readable}); p.Parked() {
		t.Error("it parked although an event was there")
	}
	p.Wake()
	if expect(t, wait(t, p, -1)); p.Parked() {
		t.Error("it parked although it was woken before")
	}
	if expect(t, wait(t, p, time.Millisecond)); !p.Parked() {
		t.Error("it did not park")
	}
	if expect(t, wait(t, p, 0)); p.Parked() {
		t.Error("a look has parked")
	}
}

// A set of the program's own may be watched like any descriptor, one inside another, too: the
// system bounds the depth, and the gate is one more.
func TestASetOfTheProgramCanBeWatched(t *testing.T) {
	p := newPoller(t)
	a, b := pair(t)
	outer, inner := newSet(t), newSet(t)
	ev := syscall.EpollEvent{Events: syscall.EPOLLIN}
	for _, link := range [][2]int{{inner, a}, {outer, inner}} {
		if err := syscall.EpollCtl(link[0], syscall.EPOLL_CTL_ADD, link[1], &ev); err != nil {
			t.Fatal(err)
		}
	}
	add(t, p, outer, 1, Readable|Edge)
	for range 3 {
		shut(t, p)
		write(t, b, "x")
		expect(t, wait(t, p, -1), Event{1, Readable})
		read(t, a)
	}
}

func newSet(t testing.TB) int {
	t.Helper()
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}

// Events and wake-ups come while the gate opens and shuts all the time, with a timer of the program
// pending, on one processor and on two.
func TestNothingIsLostAtTheGate(t *testing.T) {
	for _, procs := range []int{1, 2} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		p := newPoller(t)
		a, b := pair(t)
		add(t, p, a, 1, Readable|Edge)
		var stuck atomic.Bool
		timer := time.AfterFunc(guard, func() { stuck.Store(true); p.Wake() })
		defer timer.Stop()

		const rounds = 500
		var asked, taken atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := int64(1); i <= rounds && !stuck.Load(); i++ {
				asked.Store(i)
				if i%3 == 0 {
					p.Wake()
				} else {
					syscall.Write(b, []byte("x"))
				}
				for taken.Load() < i && !stuck.Load() {
					runtime.Gosched()
				}
			}
		}()
		events, buf := make([]Event, 4), make([]byte, 64)
		for turn := 0; taken.Load() < rounds; turn++ {
			// shut it, or leave it open
			p.gate.last = time.Since(start) + time.Duration(1-turn%2*2)*time.Hour
			if asked.Load() == taken.Load() {
				if _, err := p.Wait(events, -1); err != nil {
					t.Fatal(err)
				}
				syscall.Read(a, buf) // so that there is room for more
			}
			if stuck.Load() {
				t.Fatal("an event or a wake-up was lost")
			}
			taken.Store(asked.Load())
		}
		<-done
	}
}
