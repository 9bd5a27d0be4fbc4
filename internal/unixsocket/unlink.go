//go:build !plan9

package unixsocket

import "net"

// keepFile has the listener leave its file in place when it is closed.
func keepFile(l *net.UnixListener) { l.SetUnlinkOnClose(false) }
