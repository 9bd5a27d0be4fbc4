package poll

import (
	"os"
	"time"
)

// set is a set of descriptors of a system where only a blocking call can wait for it.
type set interface {
	Add(fd uintptr, token uint64, interest Interest) error
	Modify(fd uintptr, token uint64, interest Interest) error
	Remove(fd uintptr) error
	fetch(events []Event) (int, error) // without waiting
	await()                            // waits until fetch would find events, or release is called
	release()                          // ends await, now and in future
	close() error
}

// blocking is a Poller over a set. A goroutine sits in await while Wait has to wait; Wait itself is
// parked on channels. So one thread is held, but the goroutine in Wait holds no processor, and a
// Wake needs no system call.
//
// arm tells that goroutine to start a wait, and it answers on ready. It may wait beyond the end of
// the Wait that armed it. Its answer may be out of date; then a Wait returns early.
type blocking struct {
	set   set
	arm   chan struct{}
	ready chan struct{} // holds one
	armed bool          // the goroutine was told, and its answer was not taken yet
	wake  chan struct{} // holds one: a Wake that no Wait has taken
	ended chan struct{} // closed when the goroutine has ended
	timer *time.Timer
	over  bool // after Close
}

func newBlocking(s set) *blocking {
	p := &blocking{
		set:   s,
		arm:   make(chan struct{}, 1),
		ready: make(chan struct{}, 1),
		wake:  make(chan struct{}, 1),
		ended: make(chan struct{}),
		timer: time.NewTimer(time.Hour),
	}
	p.timer.Stop()
	go p.lookOut()
	return p
}

func (p *blocking) lookOut() {
	defer close(p.ended)
	for range p.arm {
		p.set.await()
		p.ready <- struct{}{}
	}
}

func (p *blocking) Add(fd uintptr, token uint64, interest Interest) error {
	if p.over {
		return os.ErrClosed
	}
	return p.set.Add(fd, token, interest)
}

func (p *blocking) Modify(fd uintptr, token uint64, interest Interest) error {
	if p.over {
		return os.ErrClosed
	}
	return p.set.Modify(fd, token, interest)
}

func (p *blocking) Remove(fd uintptr) error {
	if p.over {
		return os.ErrClosed
	}
	return p.set.Remove(fd)
}

func (p *blocking) Wait(events []Event, d time.Duration) (int, error) {
	if len(events) == 0 {
		panic("poll: Wait: no room for events; pass a slice that is not empty")
	}
	if p.over {
		return 0, os.ErrClosed
	}
	n, err := p.set.fetch(events)
	if n > 0 || err != nil || d == 0 {
		return n, err
	}
	p.park(d)
	return p.set.fetch(events)
}

// park waits for the set, the end of d or Wake.
func (p *blocking) park(d time.Duration) {
	if !p.armed {
		p.armed = true
		p.arm <- struct{}{}
	}
	var end <-chan time.Time
	if d > 0 {
		p.timer.Reset(d)
		defer p.timer.Stop()
		end = p.timer.C
	}
	select {
	case <-p.ready:
		p.armed = false
	case <-p.wake:
	case <-end:
	}
}

func (p *blocking) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *blocking) Close() error {
	if p.over {
		return os.ErrClosed
	}
	p.over = true
	close(p.arm)
	p.set.release()
	<-p.ended
	return p.set.close()
}
