package distributed

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// outbox sends messages on a goroutine of its own: a connection whose network is cut can block its
// sender for as long as a minute, and a loop must not wait for that. Messages keep their order.
type outbox struct {
	nc *nats.Conn

	mu     sync.Mutex // guards the rest
	more   sync.Cond
	msgs   []*nats.Msg
	closed bool
	ended  chan struct{}
}

func newOutbox(nc *nats.Conn) *outbox {
	o := &outbox{nc: nc, ended: make(chan struct{})}
	o.more.L = &o.mu
	go o.run()
	return o
}

// put queues a message. Any goroutine.
func (o *outbox) put(m *nats.Msg) {
	o.mu.Lock()
	if !o.closed {
		o.msgs = append(o.msgs, m)
		o.more.Signal()
	}
	o.mu.Unlock()
}

// offered is how many messages may be queued when one comes that may get lost.
const offered = 10_000

// offer queues a message that may get lost, unless the broker is away or far behind.
func (c *Client) offer(m *nats.Msg) {
	if c.online.Load() && c.out.len() < offered {
		c.out.put(m)
	}
}

func (o *outbox) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.msgs)
}

// close lets the goroutine end when it has sent the queued messages. It waits for that at most d.
func (o *outbox) close(d time.Duration) {
	o.mu.Lock()
	o.closed = true
	o.more.Signal()
	o.mu.Unlock()
	select {
	case <-o.ended:
	case <-time.After(d):
	}
}

func (o *outbox) run() {
	defer close(o.ended)
	var batch []*nats.Msg
	for {
		o.mu.Lock()
		for len(o.msgs) == 0 && !o.closed {
			o.more.Wait()
		}
		if len(o.msgs) == 0 {
			o.mu.Unlock()
			return
		}
		batch, o.msgs = o.msgs, batch[:0]
		o.mu.Unlock()
		for i, m := range batch {
			o.send(m)
			batch[i] = nil
		}
	}
}

// send waits while the connection is lost and its buffer is full. A message that cannot be sent at
// all is dropped: its sender has a time limit.
func (o *outbox) send(m *nats.Msg) {
	for o.nc.PublishMsg(m) != nil {
		if o.nc.IsClosed() || !o.nc.IsReconnecting() {
			return
		}
		time.Sleep(10 * time.Millisecond) // the buffer drains when the connection is back
	}
}

// isFull reports whether an error of the broker says that its store is full.
func isFull(code int) bool {
	switch code {
	case 10023, 10028, 10047, 10077: // insufficient resources, storage exceeded, bytes exceeded
		return true
	}
	return false
}
