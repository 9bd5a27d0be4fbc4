package transport

import (
	"context"
	"net/netip"
	"time"

	"github.com/aio-go/aio"
)

// defaultEyeballs is the Connection Attempt Delay that RFC 8305 recommends.
const defaultEyeballs = 250 * time.Millisecond

// HappyEyeballs sets how long [Connect] waits for one address of a name before it also tries the
// next one. The first connection that is established is taken, and the other attempts are given up
// (RFC 8305). The addresses are tried in the order of the look-up, IPv6 and IPv4 by turns, so a
// version that does not work costs one delay only. With 0 or less, each attempt has to fail before
// the next begins, in exactly the order of the look-up. The default is 250 ms; asyncio's default is
// 0. asyncio: create_connection(happy_eyeballs_delay=...).
func HappyEyeballs(delay time.Duration) Option {
	return optionFunc(func(o *options) { o.eyeballs = delay })
}

// interleave alternates the versions of IP, beginning with that of the first address. Each version
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

// dialFirst returns the first established connection to one of remotes, or the failures of all.
func dialFirst(
	ctx context.Context, n Network, network string, locals, remotes []netip.AddrPort, o *options,
) (Conn, []error, error) {
	if len(remotes) == 1 { // no tasks are needed
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
