package subprocess

import (
	"context"
	"fmt"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// tailSize is how many bytes of stderr an error keeps.
const tailSize = 4 << 10

// pieceSize is how many bytes may be copied on the loop when output grows.
const pieceSize = 1 << 20

// collector takes output in place of a reader, without a task. It keeps all of it up to a limit, or
// only the end.
type collector struct {
	transport.BaseProtocol
	pipe   transport.Transport
	tail   int      // keep only this many bytes of the end; 0: limit counts
	limit  int      // bytes; more is an error
	full   [][]byte // earlier output, in pieces: one piece would have to be copied to grow
	size   int      // of full
	data   []byte
	ended  bool
	over   bool // more than limit bytes have arrived
	waiter aio.Waiter
}

func (*collector) stdio() {}

// ConnectionMade implements transport.Protocol. Bytes may arrive before connecting has returned.
func (c *collector) ConnectionMade(pipe transport.Transport) { c.pipe = pipe }

// DataReceived implements transport.Protocol.
func (c *collector) DataReceived(p []byte) {
	if left := c.limit - c.size - len(c.data); c.tail == 0 && len(p) > left {
		p = p[:left]
		c.over = true
		c.pipe.Abort() // the child gets a broken pipe
	}
	c.data = append(c.data, p...)
	switch {
	case c.tail > 0 && len(c.data) > 2*c.tail:
		c.trim()
	case c.tail == 0 && len(c.data) >= pieceSize:
		c.full, c.size = append(c.full, c.data), c.size+len(c.data)
		c.data = make([]byte, 0, pieceSize+pieceSize/4)
	}
}

// all returns what has been collected. Many pieces are joined beside the loop.
func (c *collector) all(ctx context.Context) []byte {
	if len(c.full) == 0 {
		return c.data
	}
	pieces := append(c.full, c.data)
	join := func(context.Context) ([]byte, error) { return slices.Concat(pieces...), nil }
	all, err := aio.ToThread(context.WithoutCancel(ctx), join)
	if err != nil { // the loop is being closed
		return slices.Concat(pieces...)
	}
	return all
}

// ConnectionLost implements transport.Protocol.
func (c *collector) ConnectionLost(error) {
	c.ended = true
	c.trim()
	c.wake()
}

func (c *collector) wake() { c.waiter.Unpark() }

// trim drops the bytes before the tail.
func (c *collector) trim() {
	if c.tail > 0 && len(c.data) > c.tail {
		c.data = slices.Delete(c.data, 0, len(c.data)-c.tail)
	}
}

// wait waits for the end of the output.
func (c *collector) wait(ctx context.Context) error {
	for !c.ended {
		if err := c.pause(ctx); err != nil {
			return err
		}
	}
	return c.err()
}

// watch waits until more than the limit has arrived, or the output or the child has ended.
func (c *collector) watch(ctx context.Context, p *Process) error {
	p.child.onEnd(c.wake)
	for !c.ended && !c.over && !p.child.ended {
		if err := c.pause(ctx); err != nil {
			return err
		}
	}
	return c.err()
}

func (c *collector) pause(ctx context.Context) error {
	c.waiter = aio.NewWaiter(ctx, "Cmd.Output", c)
	defer func() { c.waiter = aio.Waiter{} }()
	return c.waiter.Park()
}

func (c *collector) err() error {
	if c.over {
		return fmt.Errorf("%w: %d bytes; raise OutputLimit, or read from a Pipe",
			ErrOutputLimit, c.limit)
	}
	return nil
}

// String is the text of the wait in snapshots.
func (c *collector) String() string { return "the output of a child" }
