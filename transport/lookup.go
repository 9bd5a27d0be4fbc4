package transport

import (
	"context"
	"net"
	"net/netip"

	"github.com/aio-go/aio"
)

// Resolve returns the addresses that [Connect] would try for address, "host:port", in their order. network
// is "tcp" or "udp", or one of these followed by 4 or 6 for one version of IP. The port is a number or the
// name of a service; a host that is a literal address, or none, is not looked up. Names are looked up by the
// network in ctx.
//
// The error is a [*net.OpError], with a [*net.DNSError] inside if there is no such name.
//
// It suspends the task. Cancellation: it returns at once; the look-up is abandoned.
//
// It stands for loop.getaddrinfo of asyncio.
func Resolve(ctx context.Context, network, address string) ([]netip.AddrPort, error) {
	const op = "Resolve"
	if network != "udp" && network != "udp4" && network != "udp6" {
		checkNetwork(op, network)
		if network == "unix" {
			panic("transport: Resolve: a unix path needs no look-up; use it as it is")
		}
	}
	needTask(ctx, op)
	return resolve(ctx, NetworkFrom(ctx), "lookup", network, address, dialing)
}

// reverseResolver is implemented by a [Network] that knows the names of addresses.
type reverseResolver interface {
	LookupAddr(ctx context.Context, ip netip.Addr) ([]string, error)
}

// LookupAddr returns the names of an address, none of which need lead back to it. The network in ctx is asked
// if it has a method of this name, otherwise the system. The error is a [*net.DNSError].
//
// It suspends the task. Cancellation: it returns at once; the look-up is abandoned.
//
// It stands for loop.getnameinfo of asyncio.
func LookupAddr(ctx context.Context, ip netip.Addr) ([]string, error) {
	needTask(ctx, "LookupAddr")
	r, ok := NetworkFrom(ctx).(reverseResolver)
	if !ok {
		r = systemResolver{}
	}
	return r.LookupAddr(ctx, ip)
}

// LookupAddr asks the resolver of package net.
func (systemResolver) LookupAddr(ctx context.Context, ip netip.Addr) ([]string, error) {
	return onThread(ctx, func(ctx context.Context) ([]string, error) {
		return net.DefaultResolver.LookupAddr(ctx, ip.String())
	})
}

// onThread is [aio.ToThread] for what nobody asks about once the task has gone: then an error of fn is
// not reported.
func onThread[T any](
	ctx context.Context, fn func(ctx context.Context) (T, error), opts ...aio.ThreadOption,
) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	out, err := aio.ToThread(ctx, func(ctx context.Context) (o outcome, _ error) {
		o.value, o.err = fn(ctx)
		return o, nil
	}, opts...)
	if err != nil {
		return out.value, err
	}
	return out.value, out.err
}
