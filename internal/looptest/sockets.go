package looptest

import (
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
)

// NeedUnixSockets skips the test on a Windows that has no Unix sockets: they came with Windows 10,
// and Wine has none.
func NeedUnixSockets(t testing.TB) {
	t.Helper()
	if err := noUnixSockets(t); err != nil {
		t.Skip("this Windows has no Unix sockets: ", err)
	}
}

// Networks are those for connections on one machine: "tcp", and "unix" where NeedUnixSockets does
// not skip.
func Networks(t testing.TB) []string {
	t.Helper()
	if err := noUnixSockets(t); err != nil {
		t.Log("without Unix sockets: ", err)
		return []string{"tcp"}
	}
	return []string{"tcp", "unix"}
}

func noUnixSockets(t testing.TB) error {
	if runtime.GOOS != "windows" {
		return nil
	}
	ln, err := net.Listen("unix", SocketPath(t))
	if err == nil {
		ln.Close()
	}
	return err
}

// SocketPath is a path for a Unix socket, whose name is short: a path of a socket has at most 104
// bytes on macOS and the BSDs, and the folder of a test carries its name.
func SocketPath(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aio")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "s")
}

// NeedUDP skips the test where package net cannot open UDP sockets. Wine lacks an option that it
// sets on each.
func NeedUDP(t testing.TB) {
	t.Helper()
	if runtime.GOOS != "windows" {
		return
	}
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Skip("package net cannot open UDP sockets here: ", err)
	}
	c.Close()
}

// NeedDataBeforeReset skips the test where a reset by the peer discards what was received before
// and not read yet. Windows does that; elsewhere it is read first.
func NeedDataBeforeReset(t testing.TB) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("Windows discards received data when the peer resets the connection")
	}
}

// FreeAddress is an address of the loopback for a server that a test starts later, or never. Its
// port is below those that systems give to connections, so that none takes it until then. It gives
// no address twice.
func FreeAddress(t testing.TB) string {
	t.Helper()
	var err error
	for range 1000 {
		var ln net.Listener
		port := strconv.Itoa(10_000 + int(freePort.Add(1)%20_000))
		if ln, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			ln.Close()
			return ln.Addr().String()
		}
	}
	t.Fatal("no port is free: ", err)
	return ""
}

// freePort is where FreeAddress looked last: at random first, since other programs do so too.
var freePort atomic.Uint32

func init() { freePort.Store(rand.Uint32N(20_000)) }
