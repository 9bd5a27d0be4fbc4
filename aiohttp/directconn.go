package aiohttp

import (
	"context"
	"net"

	"github.com/aio-go/aio/internal/simnet"
	"github.com/aio-go/aio/transport"
)

// inMemory is how much each direction of a connection of Direct holds.
const inMemory = 16 << 10

// isSimulated reports whether the network of ctx is in memory. What it does takes the loop's time.
func isSimulated(ctx context.Context) bool {
	_, ok := transport.NetworkFrom(ctx).(interface{ SimulatedHost() *simnet.Host })
	return ok
}

// connectOver makes a transport of a connection for p.
func connectOver(ctx context.Context, c *simnet.Conn, p transport.Protocol) error {
	_, err := transport.Connect(transport.WithNetwork(ctx, given{conn: c}), "unix", "direct", p)
	return err
}

// given is a network that has one connection, and connects to it.
type given struct {
	transport.Network // nil: nothing else is asked for
	conn              *simnet.Conn
}

func (g given) Dial(
	context.Context, string, string, transport.DialOptions,
) (transport.Conn, error) {
	return g.conn, nil
}

type directAddr struct{}

func (directAddr) Network() string { return "memory" }
func (directAddr) String() string  { return "direct" }

// simulatedListener tells http.Server.BaseContext where a server in memory listens.
type simulatedListener struct{ addr net.Addr }

func (l simulatedListener) Accept() (net.Conn, error) { return nil, net.ErrClosed }
func (l simulatedListener) Close() error              { return nil }
func (l simulatedListener) Addr() net.Addr            { return l.addr }
