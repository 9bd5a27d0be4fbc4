package executor

import (
	"context"

	"github.com/aio-go/aio"
)

// workerLink is the link of a job in a worker: its operations are frames. Any goroutine.
type workerLink struct {
	*servant
	over bool // guarded by servant.mu: the function has returned
}

// reply is the parent's reply to an ask.
type reply struct {
	data []byte
	err  error
}

// workerAsk is an ask that waits for its reply.
type workerAsk struct {
	got  chan reply // has room for it
	size int
}

// send writes a frame unless the job is over: what a function has left behind must not speak for
// the next job.
func (k *workerLink) send(body []byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.over {
		k.write(body)
	}
	return !k.over
}

// end writes the last frame of the job. Asks that wait fail.
func (k *workerLink) end(frame []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.over = true
	k.asksMu.Lock()
	for id, a := range k.asks { // each has a goroutine of its own
		k.take(id)
		a.got <- reply{err: errJobOver}
	}
	k.asksMu.Unlock()
	k.write(frame)
}

func (k *workerLink) keeps() bool { return true }

func (k *workerLink) limit() int { return k.max }

func (k *workerLink) ask(ctx context.Context, r request) (id uint64, data []byte, err error) {
	a := &workerAsk{make(chan reply, 1), len(r.data)}
	k.asksMu.Lock()
	if len(k.asks) == maxAsks || k.asked > 0 && k.asked+a.size > k.max {
		k.asksMu.Unlock()
		return 0, nil, errAsks
	}
	k.lastID++
	id = k.lastID
	k.asks[id] = a
	k.asked += a.size
	k.asksMu.Unlock()
	if !k.send(appendAsk(nil, id, r)) {
		k.forget(id)
		return id, nil, errJobOver
	}
	var got reply
	if aio.InTask(ctx) {
		got, _, err = aio.Recv(ctx, a.got)
	} else {
		select {
		case got = <-a.got:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	if err != nil { // the reply may be on its way
		k.forget(id)
		k.settle(id, false)
		return id, nil, err
	}
	return id, got.data, got.err
}

func (k *workerLink) settle(id uint64, done bool) { k.send(appendSettle(nil, id, done)) }

// forget removes an ask whose reply nobody waits for.
func (s *servant) forget(id uint64) {
	s.asksMu.Lock()
	defer s.asksMu.Unlock()
	s.take(id)
}

// take removes an ask and returns it, nil if it is not there. The caller has s.asksMu.
func (s *servant) take(id uint64) *workerAsk {
	a := s.asks[id]
	if a != nil {
		delete(s.asks, id)
		s.asked -= a.size
	}
	return a
}

// replied passes on a reply. One that comes too late has been settled by the ask that did not wait.
func (s *servant) replied(body []byte) {
	id, r, err := parseReply(body)
	if err != nil {
		exit(err)
	}
	s.asksMu.Lock()
	a := s.take(id)
	s.asksMu.Unlock()
	if a != nil {
		a.got <- r
	}
}
