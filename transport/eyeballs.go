package transport

import (
	"context"
	"net/netip"
	"time"

	"github.com/aio-go/aio"
)

// defaultEyeballs is the Connection Attempt Delay that RFC 8305 recommends.
const defaultEyeballs = 250 * time.Millisecond

// HappyEyeballs tells [Connect] how long it waits for one address of a name before it tries the next one
// beside it; the first connection that stands is taken, the other attempts are given up (RFC 8305). The
// addresses are tried in the order of the look-up, IPv6 and IPv4 by turns, so that a version that does
// not work costs one delay and no more. With 0 or less each attempt has to fail before the next begins,
// in exactly the order of the look-up. The default is 250 ms.
//
// It stands for the argument happy_eyeballs_delay of loop.create_connection in asyncio, where the
// default is one after the other.
func HappyEyeballs(delay time.Duration) Option {
	return optionFunc(func(o *options) { o.eyeballs = delay })
}

// interleave puts the versions of IP in turns, beginning with that of the first address; each version
// keeps its order.
func interleave(all []netip.AddrPort) []netip.AddrPort {
	var first, second []netip.AddrPort
	for _, a := range all {
		if a.Addr().Is4() == all[0].Addr().Is4() {
			first = append(first, a)
		} else {
			second = append(second, a)
		}
	}
	mixed := make([]netip.AddrPort, 0, len(all))
	for i := range max(len(first), len(second)) {
		mixed = append(mixed, first[min(i, len(first)):min(i+1, len(first))]...)
		mixed = append(mixed, second[min(i, len(second)):min(i+1, len(second))]...)
	}
	return mixed
}

// dialFirst returns the first connection to one of remotes that stands, or the failures of all.
func dialFirst(ctx context.Context, n Network, network string, locals, remotes []netip.AddrPort, o *options) (Conn, []error, error) {
	if len(remotes) == 1 { // needs no tasks
		conn, err := dialFrom(ctx, n, network, locals, remotes[0], o)
		if err != nil && isCancelled(ctx, err) {
			return nil, nil, err
		}
		return conn, []error{err}, nil
	}
	if o.eyeballs > 0 {
		remotes = interleave(remotes)
	}
	attempts := make([]aio.Func[Conn], len(remotes))
	for i, remote := range remotes {
		attempts[i] = func(ctx context.Context) (Conn, error) {
			return dialFrom(ctx, n, network, locals, remote, o)
		}
	}
	race, err := Staggered(ctx, o.eyeballs, func(c Conn) { c.Close() }, attempts...)
	return race.Value, race.Errs, err
}
