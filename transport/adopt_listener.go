package transport

import (
	"net"

	"github.com/aio-go/aio/internal/unixsocket"
)

// keepOthersFile returns ln with a Close that does not remove the file of another unix socket.
func keepOthersFile(ln net.Listener) net.Listener {
	if u, ok := ln.(*net.UnixListener); ok {
		return unixsocket.Adopted(u)
	}
	return ln
}
