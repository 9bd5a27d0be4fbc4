package aiohttp

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// listen listens on an address. A Unix socket that nobody listens on any more is replaced.
func listen(ctx context.Context, network, address string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, network, address)
	if err == nil || network != "unix" || !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	if info, statErr := os.Lstat(address); statErr != nil || info.Mode()&os.ModeSocket == 0 {
		return nil, err
	}
	conn, dialErr := new(net.Dialer).DialContext(ctx, network, address)
	if dialErr == nil {
		conn.Close()
		return nil, err
	}
	if !errors.Is(dialErr, syscall.ECONNREFUSED) || os.Remove(address) != nil {
		return nil, err
	}
	return config.Listen(ctx, network, address)
}
