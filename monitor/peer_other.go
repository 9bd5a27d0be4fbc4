//go:build !linux

package monitor

import "net"

// identify returns who is at the other end. The modes of the socket and its folder keep others out.
func identify(c net.Conn) (who string, err error) {
	if _, ok := c.(*net.UnixConn); ok {
		return "a process of the same user", nil
	}
	return c.RemoteAddr().String(), nil
}
