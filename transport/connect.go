package transport

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"github.com/aio-go/aio"
)

// Connect connects p to address and returns the transport when p's ConnectionMade has run. network
// is "tcp", "tcp4", "tcp6" or "unix"; address is "host:port" or a path. An empty host is this
// machine. The port is a number or the name of a service. If a name has several addresses, each
// attempt starts a moment after the one before it; see [HappyEyeballs].
//
// If one address was tried, the error is that of the attempt, a [*net.OpError]. If several failed,
// it is a [*ConnectError]. errors.Is finds syscall.ECONNREFUSED and the like. After an error
// nothing is left open and no method of p has been called. asyncio: create_connection and
// create_unix_connection.
//
// Cancellation: the attempt is given up and its descriptor closed. A connection that is established
// already is aborted: then ConnectionMade of p may have been called, and ConnectionLost will be.
func Connect(
	ctx context.Context, network, address string, p Protocol, opts ...Option,
) (Transport, error) {
	const op = "Connect"
	checkNetwork(op, network)
	checkProtocol(op, p)
	o := gather(op, opts)
	needTask(ctx, op)
	h := hubOf(aio.RunningLoop(ctx))
	if o.tlsConfig != nil {
		needServerName(op, network, address, o)
	}
	conn, err := dial(ctx, NetworkFrom(ctx), network, address, o)
	if err != nil {
		return nil, err
	}
	return establish(ctx, op, h, conn, p, o)
}

// Adopt makes a transport of a connection that was made elsewhere, and returns it when p's
// ConnectionMade has run. The transport owns c from then on, also after an error: do not use c any
// more. TLS options secure the connection, with this side as the client. It panics if c is nil or
// no stream. asyncio: create_connection(sock=...) and connect_accepted_socket.
//
// Cancellation: the connection is aborted.
func Adopt(ctx context.Context, c net.Conn, p Protocol, opts ...Option) (Transport, error) {
	const op = "Adopt"
	if c == nil {
		panic("transport: Adopt: the connection is nil; pass one, or use Connect")
	}
	checkProtocol(op, p)
	checkStream(op, c.LocalAddr())
	o := gather(op, opts)
	needTask(ctx, op)
	h := hubOf(aio.RunningLoop(ctx))
	if o.tlsConfig != nil {
		needServerName(op, "", "", o)
	}
	conn, err := adoptConn(ctx, h, c)
	if err != nil {
		c.Close()
		return nil, err
	}
	return establish(ctx, op, h, conn, p, o)
}

// establish puts a transport, secured or not, over conn and waits until ConnectionMade has run.
func establish(
	ctx context.Context, op string, h *hub, conn Conn, p Protocol, o *options,
) (Transport, error) {
	if o.tlsConfig != nil {
		start := func(p Protocol) Transport {
			raw := newTransport(h, conn, p, nil, nil)
			raw.linger.patience = o.shutdownTimeout
			return raw
		}
		return wrapClientTLS(ctx, start, p, o)
	}
	w := aio.NewWaiter(ctx, "transport."+op, conn)
	t := newTransport(h, conn, p, nil, func() { w.Unpark() })
	t.linger.patience = o.shutdownTimeout
	if err := w.Park(); err != nil {
		t.Abort()
		return nil, err
	}
	return t, nil
}

func dial(ctx context.Context, n Network, network, address string, o *options) (Conn, error) {
	if network == "unix" {
		if o.localAddress != "" {
			panic("transport: Connect: LocalAddress with a unix socket; it is for tcp")
		}
		return n.Dial(ctx, network, address, DialOptions{})
	}
	remotes, err := resolve(ctx, n, "dial", network, address, dialing)
	if err != nil {
		return nil, err
	}
	var locals []netip.AddrPort
	if o.localAddress != "" {
		if locals, err = resolve(ctx, n, "dial", network, o.localAddress, dialing); err != nil {
			return nil, err
		}
	}
	conn, errs, err := dialFirst(ctx, n, network, locals, remotes, o)
	if conn != nil || err != nil {
		return conn, err
	}
	if len(errs) == 1 {
		return nil, errs[0]
	}
	return nil, &ConnectError{Address: address, Errs: errs}
}

// dialFrom tries the local addresses of remote's version of IP in turn. If locals is empty, the
// system chooses.
func dialFrom(
	ctx context.Context,
	n Network,
	network string,
	locals []netip.AddrPort,
	remote netip.AddrPort,
	o *options,
) (Conn, error) {
	if len(locals) == 0 {
		return n.Dial(ctx, network, remote.String(), DialOptions{KeepAlive: o.keepAlive})
	}
	var last error = &net.OpError{Op: "dial", Net: network, Addr: tcpAddr(remote),
		Err: &net.AddrError{
			Err:  "no local address of the same version of IP",
			Addr: remote.String(),
		}}
	for _, local := range locals {
		if local.Addr().Is4() != remote.Addr().Is4() {
			continue
		}
		conn, err := n.Dial(ctx, network, remote.String(), DialOptions{
			LocalAddr: local,
			KeepAlive: o.keepAlive,
		})
		if err == nil || isCancelled(ctx, err) {
			return conn, err
		}
		last = err
	}
	return nil, last
}

// needTask panics in a callback, before anything is begun that the callback could not wait for.
func needTask(ctx context.Context, op string) {
	if aio.RunningLoop(ctx).CurrentTask() == nil {
		panic("transport: " + op + ": called outside a task, where nothing can wait; " +
			"start one with aio.CreateTask(loop.Context(), ...)")
	}
}

func checkProtocol(op string, p Protocol) {
	if p == nil {
		panic("transport: " + op + ": the protocol is nil; " +
			"pass one, BaseProtocol{} ignores everything")
	}
}

// checkStream panics if a is the address of a socket that carries no byte stream.
func checkStream(op string, a net.Addr) {
	if a == nil {
		return
	}
	switch n := a.Network(); {
	case strings.HasPrefix(n, "udp"), strings.HasPrefix(n, "ip"), n == "unixgram",
		n == "unixpacket":
		panic("transport: " + op + ": a " + n + " socket carries no byte stream; " +
			"pass a tcp or unix one")
	}
}

// needServerName finds the name that the peer's certificate is checked against.
func needServerName(op, network, address string, o *options) {
	if o.serverName == "" {
		o.serverName = o.tlsConfig.ServerName
	}
	if o.serverName == "" && strings.HasPrefix(network, "tcp") {
		o.serverName, _, _ = net.SplitHostPort(address)
	}
	if o.serverName == "" && !o.tlsConfig.InsecureSkipVerify {
		panic("transport: " + op + ": TLS without a host name; " +
			"name the server in the tls.Config or with the option ServerName")
	}
}
