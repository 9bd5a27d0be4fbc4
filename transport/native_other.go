//go:build !linux

package transport

import (
	"context"
	"net"
)

// Native returns the network that talks to the system's sockets directly. This system has no poller
// of descriptors yet, so it is [Portable].
func Native() Network { return Portable() }

func adoptConn(_ context.Context, h *hub, c net.Conn) (Conn, error) {
	if err := closedBefore(c); err != nil {
		return nil, err
	}
	return newPortableConn(h, c), nil
}

func adoptListener(_ context.Context, h *hub, ln net.Listener) (Listener, error) {
	if err := closedBefore(ln); err != nil {
		return nil, err
	}
	return newPortableListener(h, keepOthersFile(ln)), nil
}

func adoptDatagram(_ context.Context, h *hub, c *net.UDPConn) (DatagramConn, error) {
	if err := closedBefore(c); err != nil {
		return nil, err
	}
	return newPortableDatagram(h, c), nil
}
