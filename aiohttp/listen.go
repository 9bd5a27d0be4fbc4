package aiohttp

import (
	"context"
	"io/fs"
	"net"
	"net/http"

	"github.com/aio-go/aio/internal/sys"
	"github.com/aio-go/aio/internal/unixsocket"
)

// listen listens on an address. A Unix socket without a listener is replaced.
func listen(ctx context.Context, network, address string, mode fs.FileMode) (net.Listener, error) {
	if network == "unix" {
		ln, err := unixsocket.Listen(ctx, address, mode, false)
		if err != nil {
			return nil, sys.Error(err)
		}
		return ln, nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, network, address)
	return ln, sys.Error(err)
}

// SocketMode is a setting for [Serve]: which users may connect to a Unix socket, which takes
// permission to write. 0o660 admits the group of the file, 0o666 every user, whatever the umask is.
// Default: 0o600, only the same user and root. It panics if mode has other bits than permissions,
// or does not admit the owner.
func SocketMode(mode fs.FileMode) func(*http.Server) {
	unixsocket.CheckMode("aiohttp: SocketMode", mode)
	return func(s *http.Server) { limitsOf(s, "SocketMode").socketMode = mode }
}
