package unixsocket

import "net"

// keepFile does nothing: there are no such listeners.
func keepFile(*net.UnixListener) {}
