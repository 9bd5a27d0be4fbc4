package transport

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

// checkNetwork panics unless network is one of the stream networks of this package.
func checkNetwork(op, network string) {
	switch network {
	case "tcp", "tcp4", "tcp6", "unix":
	default:
		panic("transport: " + op + ": " + strconv.Quote(network) + " is no network for streams; " +
			"use tcp, tcp4, tcp6 or unix")
	}
}

// fits reports whether ip belongs to network.
func fits(network string, ip netip.Addr) bool {
	switch network {
	case "tcp4", "udp4":
		return ip.Is4()
	case "tcp6", "udp6":
		return ip.Is6()
	}
	return true
}

// hostKind says what an empty host means.
type hostKind int

const (
	dialing hostKind = iota // this machine
	serving                 // every interface
)

// resolve returns the addresses of "host:port". A literal or empty host and a numeric or empty port
// need no look-up. Everything else is looked up off the loop.
func resolve(
	ctx context.Context, n Network, op, network, address string, kind hostKind,
) ([]netip.AddrPort, error) {
	fail := func(err error) ([]netip.AddrPort, error) {
		return nil, &net.OpError{Op: op, Net: network, Err: err}
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return fail(err)
	}
	port, err := resolvePort(ctx, network, service)
	if err != nil {
		if isCancelled(ctx, err) {
			return nil, err
		}
		return fail(err)
	}
	ips, err := resolveHost(ctx, n, network, host, kind)
	if err != nil {
		if isCancelled(ctx, err) {
			return nil, err
		}
		return fail(err)
	}
	var all []netip.AddrPort
	for _, ip := range ips {
		if ip = ip.Unmap(); fits(network, ip) {
			all = append(all, netip.AddrPortFrom(ip, port))
		}
	}
	if len(all) == 0 {
		return fail(&net.DNSError{Err: "no suitable address", Name: host, IsNotFound: true})
	}
	return all, nil
}

func resolveHost(
	ctx context.Context, n Network, network, host string, kind hostKind,
) ([]netip.Addr, error) {
	if host == "" {
		v4, v6 := netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()
		if kind == serving {
			v4, v6 = netip.IPv4Unspecified(), netip.IPv6Unspecified()
			switch network {
			case "tcp":
				return []netip.Addr{v6}, nil // one listener serves both versions
			case "udp":
				// the first serves both versions, the second a system or a peer without IPv6
				return []netip.Addr{v6, v4}, nil
			}
		}
		return []netip.Addr{v4, v6}, nil
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	return n.LookupHost(ctx, host)
}

// resolvePort returns the number of a port. No port is 0; the name of a service is looked up.
func resolvePort(ctx context.Context, network, service string) (uint16, error) {
	if service == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(service, 10, 16); err == nil {
		return uint16(n), nil
	}
	if _, err := strconv.Atoi(service); err == nil {
		return 0, &net.AddrError{Err: "invalid port", Addr: service}
	}
	port, err := onThread(ctx, func(ctx context.Context) (int, error) {
		return net.DefaultResolver.LookupPort(ctx, network, service)
	})
	return uint16(port), err
}

// systemResolver answers LookupHost with the resolver of package net.
type systemResolver struct{}

func (systemResolver) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	return onThread(ctx, func(ctx context.Context) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	})
}

// tcpAddr returns a as package net's type.
func tcpAddr(a netip.AddrPort) net.Addr { return net.TCPAddrFromAddrPort(a) }

// addrPort is the inverse of tcpAddr; the zero value if a is no TCP address.
func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok && t != nil {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// parseLiteral reads the address of Network.Dial and Network.Listen.
func parseLiteral(op, network, address string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(address)
	if err == nil && host == "" {
		ip := netip.IPv6Unspecified()
		if network == "tcp4" {
			ip = netip.IPv4Unspecified()
		}
		address = netip.AddrPortFrom(ip, 0).Addr().String()
		address = net.JoinHostPort(address, port)
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return ap, &net.OpError{Op: op, Net: network, Err: &net.AddrError{
			Err:  "not a literal address and port",
			Addr: address,
		}}
	}
	ap = netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	if !fits(network, ap.Addr()) {
		return ap, &net.OpError{Op: op, Net: network, Err: &net.AddrError{
			Err:  "not an address of " + network,
			Addr: address,
		}}
	}
	return ap, nil
}
