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

// epollSet is a set of epoll, to test what waits for sets: another one, which watches it, can be
// waited for with a blocking call, as with kqueue.
type epollSet struct {
	*epoll
	outer int
	pipe  [2]int
}

func newEpollSet() (set, error) {
	inner, err := New()
	if err != nil {
		return nil, err
	}
	s := &epollSet{epoll: inner.(*epoll)}
	if s.outer, err = syscall.EpollCreate1(syscall.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if err := syscall.Pipe2(s.pipe[:], syscall.O_CLOEXEC); err != nil {
		return nil, err
	}
	for _, fd := range []int{s.epoll.fd, s.pipe[0]} {
		if err := syscall.EpollCtl(s.outer, syscall.EPOLL_CTL_ADD, fd,
			&syscall.EpollEvent{Events: syscall.EPOLLIN}); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *epollSet) fetch(events []Event) (int, error) { return s.epoll.Wait(events, 0) }

func (s *epollSet) await() {
	events := make([]syscall.EpollEvent, 1)
	for {
		if _, err := syscall.EpollWait(s.outer, events, -1); err != syscall.EINTR {
			return
		}
	}
}

func (s *epollSet) release() { syscall.Write(s.pipe[1], []byte{0}) }

func (s *epollSet) close() error {
	syscall.Close(s.outer)
	syscall.Close(s.pipe[0])
	syscall.Close(s.pipe[1])
	return s.epoll.Close()
}

// newBlockingPoller returns a Poller like that of macOS and the BSDs.
func newBlockingPoller(t testing.TB) Poller {
	t.Helper()
	s, err := newEpollSet()
	if err != nil {
		t.Fatal(err)
	}
	p := newBlocking(s)
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestABlockingPollerReportsWhatIsReady(t *testing.T) {
	p := newBlockingPoller(t)
	a, b := pair(t)
	add(t, p, a, 5, Readable|Edge)
	expect(t, wait(t, p, 0))
	write(t, b, "x")
	expect(t, wait(t, p, guard), Event{5, Readable})
	expect(t, wait(t, p, 0))
	go syscall.Write(b, []byte("y")) // while it is parked, or before
	expect(t, wait(t, p, -1), Event{5, Readable})
	if err := p.Modify(uintptr(a), 6, Readable|Writable); err != nil {
		t.Fatal(err)
	}
	expect(t, wait(t, p, guard), Event{6, Readable | Writable})
	if err := p.Remove(uintptr(a)); err != nil {
		t.Fatal(err)
	}
	expect(t, wait(t, p, 0))
}

func TestABlockingPollerWaitsNoLongerThanItIsTold(t *testing.T) {
	p := newBlockingPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	expect(t, wait(t, p, time.Millisecond))
	expect(t, wait(t, p, 1))
	write(t, b, "x") // the goroutine looks out still, and tells
	expect(t, wait(t, p, -1), Event{1, Readable})
	wait(t, p, time.Millisecond) // its answer is out of date, so this may end early
	go syscall.Write(b, []byte("y"))
	for {
		if got := wait(t, p, -1); len(got) > 0 {
			expect(t, got, Event{1, Readable})
			return
		}
	}
}

func TestABlockingPollerIsWoken(t *testing.T) {
	for _, d := range []time.Duration{-1, time.Hour} {
		p := newBlockingPoller(t)
		p.Wake()
		p.Wake()
		expect(t, wait(t, p, 0)) // does not take the wake-up
		expect(t, wait(t, p, d))
		expect(t, wait(t, p, time.Millisecond)) // the two count as one
		go p.Wake()
		expect(t, wait(t, p, d))
	}
}

func TestABlockingPollerLosesNoWakeUp(t *testing.T) {
	const posters, items = 4, 2000
	p := newBlockingPoller(t)
	a, b := pair(t)
	add(t, p, a, 1, Readable|Edge)
	var posted, taken atomic.Int64
	var stuck atomic.Bool
	timer := time.AfterFunc(guard, func() { stuck.Store(true); p.Wake() })
	defer timer.Stop()
	var wg sync.WaitGroup
	for i := range posters {
		wg.Go(func() {
			for j := range items {
				n := posted.Add(1)
				p.Wake()
				if j%64 == 0 {
					syscall.Write(b, []byte("x")) // events and wake-ups meet
				}
				for i == 0 && taken.Load() < n && !stuck.Load() { // each wake-up of this one is needed
					runtime.Gosched()
				}
			}
		})
	}
	events := make([]Event, 4)
	for turn := 0; taken.Load() < posters*items; turn++ {
		d := time.Duration(-1)
		if turn%3 == 0 {
			d = time.Hour
		}
		if posted.Load() == taken.Load() {
			if _, err := p.Wait(events, d); err != nil {
				t.Fatal(err)
			}
		}
		if stuck.Load() {
			t.Fatal("a wake-up was lost")
		}
		taken.Store(posted.Load())
	}
	wg.Wait()
}

func TestABlockingPollerThatIsClosedFails(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, p Poller){
		"unused":      func(*testing.T, Poller) {},
		"looking out": func(t *testing.T, p Poller) { expect(t, wait(t, p, time.Millisecond)) },
		"told and not asked again": func(t *testing.T, p Poller) {
			a, b := pair(t)
			add(t, p, a, 1, Readable)
			expect(t, wait(t, p, 1))
			write(t, b, "x")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := newEpollSet()
			if err != nil {
				t.Fatal(err)
			}
			p := newBlocking(s)
			before(t, p)
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			p.Wake()
			if _, err := p.Wait(make([]Event, 1), -1); !errors.Is(err, os.ErrClosed) {
				t.Errorf("Wait: %v", err)
			}
			for name, err := range map[string]error{
				"Add":    p.Add(0, 1, Readable),
				"Modify": p.Modify(0, 1, Readable),
				"Remove": p.Remove(0),
				"Close":  p.Close(),
			} {
				if !errors.Is(err, os.ErrClosed) {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}
