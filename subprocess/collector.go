package subprocess

import (
	"context"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// tailSize is how much is kept of stderr for an error, bytes.
const tailSize = 4 << 10

// collector takes output in place of a reader, without a task: all of it, or only the end.
type collector struct {
	transport.BaseProtocol
	pipe   transport.Transport
	tail   int // keep only so many bytes; 0: all
	data   []byte
	ended  bool
	waiter aio.Waiter
}

func (*collector) stdio() {}

// DataReceived implements transport.Protocol.
func (c *collector) DataReceived(p []byte) {
	c.data = append(c.data, p...)
	if c.tail > 0 && len(c.data) > 2*c.tail {
		c.trim()
	}
}

// ConnectionLost implements transport.Protocol.
func (c *collector) ConnectionLost(error) {
	c.ended = true
	c.trim()
	c.waiter.Unpark()
}

// trim drops what is too old.
func (c *collector) trim() {
	if c.tail > 0 && len(c.data) > c.tail {
		c.data = slices.Delete(c.data, 0, len(c.data)-c.tail)
	}
}

// wait waits for the end of the output.
func (c *collector) wait(ctx context.Context) error {
	if c.ended {
		return nil
	}
	c.waiter = aio.NewWaiter(ctx, "Cmd.Output", c)
	defer func() { c.waiter = aio.Waiter{} }()
	return c.waiter.Park()
}

// String is what snapshots show.
func (c *collector) String() string { return "the output of a child" }
