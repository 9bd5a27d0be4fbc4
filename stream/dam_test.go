package stream_test

import (
	"context"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// dam is a network whose outgoing connections can be made to take nothing, whatever the system
// would still buffer.
type dam struct {
	transport.Network
	closed bool
	conns  []*dammed
}

func (d *dam) Dial(
	ctx context.Context, network, address string, o transport.DialOptions,
) (transport.Conn, error) {
	conn, err := d.Network.Dial(ctx, network, address, o)
	if err != nil {
		return nil, err
	}
	c := &dammed{Conn: conn, dam: d}
	d.conns = append(d.conns, c)
	return c, nil
}

// shut makes the connections take nothing.
func (d *dam) shut() { d.closed = true }

// open lets everything flow again.
func (d *dam) open() {
	d.closed = false
	for _, c := range d.conns {
		c.ready(aio.Writable)
	}
}

type dammed struct {
	transport.Conn
	dam   *dam
	ready func(aio.Interest)
}

func (c *dammed) Start(ready func(aio.Interest)) error {
	c.ready = ready
	return c.Conn.Start(ready)
}

func (c *dammed) TryWrite(p []byte) (int, error) {
	if c.dam.closed {
		return 0, transport.ErrWouldBlock
	}
	return c.Conn.TryWrite(p)
}

// Pending implements transport.Pender, as some connections do.
func (c *dammed) Pending() int {
	if p, ok := c.Conn.(transport.Pender); ok {
		return p.Pending()
	}
	return 0
}
