// Package hostile tests servers with peers that mean no good: many that are silent, slow, send
// garbage, ask for much and do not read, close one half, reset, or come and go.
package hostile

import (
	"bytes"
	"crypto/tls"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/internal/leaktest"
)

// Target is a server under attack. It runs in the process of the test.
type Target struct {
	Network, Address string
	Secure           *tls.Config // of peers that know how to greet; nil: plain connections
	// Request is a valid request, whose answer is large if that can be had.
	Request string
	// Probe is a well-behaved visitor. It fails the test if the server does not serve it.
	Probe func(t *testing.T)
	// Peers is how many there are at a time. Default: 500.
	Peers int
	// Share is which part of the peers come: one of so many. Default: all; over TLS one of ten,
	// since handshakes take time.
	Share int
	// Memory is how much the process may grow for each of them, in bytes. Default: 128 KiB.
	Memory int
}

// Connections is how many peers come in all: 10,000; fewer in short tests and under the race
// detector.
func Connections() int {
	switch {
	case testing.Short():
		return 300
	case leaktest.RaceDetector:
		return 1000
	}
	return 10_000
}

// allowance is how much the process may grow besides, in bytes: it keeps stacks for tasks to come,
// and the test what the server said.
const allowance = 24 << 20

// kinds are what a peer does when it has come.
var kinds = []struct {
	name string
	do   func(c net.Conn, tg *Target, random *rand.Rand)
}{
	{"silent", func(net.Conn, *Target, *rand.Rand) {}},
	{"slow", func(c net.Conn, tg *Target, _ *rand.Rand) {
		io.WriteString(c, first(tg.Request, 1))
	}},
	{"breaks off", func(c net.Conn, tg *Target, _ *rand.Rand) {
		io.WriteString(c, first(tg.Request, len(tg.Request)/2))
		c.Close()
	}},
	{"garbage", func(c net.Conn, _ *Target, random *rand.Rand) {
		p := make([]byte, 4<<10)
		for i := range p {
			p[i] = byte(random.Uint32())
		}
		c.Write(p)
	}},
	{"one endless line", func(c net.Conn, _ *Target, _ *rand.Rand) {
		c.SetWriteDeadline(time.Now().Add(moment)) // the server may well stop reading
		p := make([]byte, 64<<10)
		for i := range p {
			p[i] = 'x'
		}
		c.Write(p)
	}},
	{"half closed", func(c net.Conn, tg *Target, _ *rand.Rand) {
		io.WriteString(c, tg.Request)
		if half, ok := c.(interface{ CloseWrite() error }); ok {
			half.CloseWrite()
		}
	}},
	{"reset", func(c net.Conn, tg *Target, _ *rand.Rand) {
		io.WriteString(c, tg.Request)
		if tcp, ok := c.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		c.Close()
	}},
	{"never reads", func(c net.Conn, tg *Target, _ *rand.Rand) {
		c.SetWriteDeadline(time.Now().Add(moment))
		for range 20 {
			io.WriteString(c, tg.Request)
		}
	}},
	{"comes and goes", func(c net.Conn, _ *Target, _ *rand.Rand) { c.Close() }},
}

// moment is how long a peer tries to send to a server that does not take it.
const moment = 200 * time.Millisecond

func first(text string, n int) string { return text[:min(n, len(text))] }

// Attack lets the peers come, so many at a time. After each batch it checks that the server still
// serves others, and that memory has kept within bounds. In the end it waits until nothing of them
// is left.
func Attack(t *testing.T, tg Target) {
	t.Helper()
	if tg.Peers == 0 {
		tg.Peers = 500
	}
	if tg.Memory == 0 {
		tg.Memory = 128 << 10
	}
	tg.Probe(t)
	before, all := clitest.ResourcesNow(), Connections()
	if tg.Share == 0 && tg.Secure != nil {
		tg.Share = 10
	}
	all /= max(1, tg.Share)
	left := all
	start, most := memory(), 0
	for round := 0; left > 0; round++ {
		n := min(left, tg.Peers)
		left -= n
		conns := tg.come(t, n, uint64(round))
		tg.Probe(t)
		if grown := memory() - start; grown > most {
			most = grown
		}
		for _, c := range conns {
			c.Close()
		}
	}
	tg.Probe(t)
	if problem := before.DescriptorsComeBack(); problem != "" {
		t.Errorf("peers have gone, but not all of them: %s", problem)
	}
	t.Logf("%d peers, %d at a time: at most %d KiB in all", all, tg.Peers, most>>10)
	if most > allowance+tg.Peers*tg.Memory {
		t.Errorf("the process has grown by %d KiB with %d peers at a time", most>>10, tg.Peers)
	}
}

// come lets n peers connect and act.
func (tg *Target) come(t *testing.T, n int, seed uint64) []net.Conn {
	t.Helper()
	conns := make([]net.Conn, n)
	failed := make(chan error, n)
	places := make(chan bool, 50) // how many do so at a time
	var all sync.WaitGroup
	for i := range n {
		places <- true
		all.Go(func() {
			defer func() { <-places }()
			c, err := net.DialTimeout(tg.Network, tg.Address, clitest.Patience)
			if err != nil {
				failed <- err
				return
			}
			c.SetDeadline(time.Now().Add(clitest.Patience))
			if tcp, ok := c.(*net.TCPConn); ok {
				tcp.SetReadBuffer(4 << 10)
			}
			conns[i] = c
			if tg.Secure != nil && i%2 == 0 { // the others attack the layer below
				secure := tls.Client(c, tg.Secure)
				if secure.Handshake() == nil {
					c = secure
				}
			}
			kinds[i%len(kinds)].do(c, tg, rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
	all.Wait()
	close(failed)
	if err := <-failed; err != nil {
		t.Fatalf("a peer cannot connect: %v", err)
	}
	return conns
}

// memory is what the process uses of heap and stacks.
func memory() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}

// Ask is a probe: it connects, sends a request and reads until the answer has want in it.
func Ask(t *testing.T, tg Target, request, want string) {
	t.Helper()
	c, err := net.DialTimeout(tg.Network, tg.Address, clitest.Patience)
	if err != nil {
		t.Fatalf("a visitor cannot connect: %v", err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(clitest.Patience))
	if tg.Secure != nil {
		c = tls.Client(c, tg.Secure)
	}
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatalf("a visitor cannot ask: %v", err)
	}
	var got []byte
	buf := make([]byte, 4<<10)
	for !bytes.Contains(got, []byte(want)) {
		n, err := c.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil && !bytes.Contains(got, []byte(want)) {
			t.Fatalf("a visitor got %.200q and %v, want %q", got, err, want)
		}
	}
}
