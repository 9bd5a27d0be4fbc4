package transport

import (
	"context"
	"net"
	"net/netip"

	"github.com/aio-go/aio"
)

// Resolve returns the addresses that [Connect] would try for address, "host:port", in their order.
// network is "tcp" or "udp", with 4 or 6 at the end for one version of IP. The port is a number or
// the name of a service. A literal or empty host is not looked up. The network in ctx looks up
// names.
//
// The error is a [*net.OpError], with a [*net.DNSError] inside if the name does not exist.
// asyncio: getaddrinfo.
//
// Cancellation: it returns at once; the look-up is abandoned.
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

// LookupAddr returns the names of an address; they need not lead back to it. It asks the network in
// ctx if that has a method of this name, otherwise the system. The error is a [*net.DNSError].
// asyncio: getnameinfo.
//
// Cancellation: it returns at once; the look-up is abandoned.
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

// onThread is [aio.ToThread] for work that nothing needs once the task has gone: then an error of
// fn is not reported.
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
