package aiohttp

import (
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Defaults that [Serve] sets before the functions in setup are called. An [http.Server] has no
// bound for any of these.
const (
	defaultReadHeaderTimeout = 10 * time.Second
	defaultIdleTimeout       = 2 * time.Minute
	defaultMaxHeaderBytes    = 64 << 10
	defaultBodyTimeout       = time.Minute
	defaultMaxConnections    = 16 << 10
)

// limits are a server's limits for its peers, besides those of net/http.
type limits struct {
	progress    time.Duration // for the next piece of a body, in either direction; 0: none
	connections int           // at a time; 0: no limit
	socketMode  fs.FileMode   // of a Unix socket

	accessLog *slog.Logger // nil: none

	reading, writing bool // progress counts: there is no limit for a whole request, or answer
}

// settingUp finds the limits of the servers whose functions in setup are running.
var settingUp sync.Map // from *http.Server to *limits

// setUp calls the functions in setup.
func (l *limits) setUp(s *http.Server, setup []func(*http.Server)) {
	settingUp.Store(s, l)
	defer settingUp.Delete(s)
	for _, f := range setup {
		if f == nil {
			panic("aiohttp: Serve: a function in setup is nil; leave it out")
		}
		f(s)
	}
	l.reading, l.writing = s.ReadTimeout <= 0, s.WriteTimeout <= 0
}

func limitsOf(s *http.Server, op string) *limits {
	l, ok := settingUp.Load(s)
	if !ok {
		panic("aiohttp: " + op + ": it is a setting of aiohttp.Serve; give it to that")
	}
	return l.(*limits)
}

// BodyTimeout is a setting for [Serve]: how long a client may take to send the next piece of a
// body, or to take the next 64 KiB of an answer. Then its connection is closed. A handler's own
// deadline, and the server's ReadTimeout or WriteTimeout, replace it. Default: 1 minute; 0: no
// limit.
func BodyTimeout(d time.Duration) func(*http.Server) {
	if d < 0 {
		panic("aiohttp: BodyTimeout: the time is negative; 0 is no limit")
	}
	return func(s *http.Server) { limitsOf(s, "BodyTimeout").progress = d }
}

// MaxConnections is a setting for [Serve]: how many connections may be open at a time. Further ones
// wait, not accepted, until one is closed. Default: 16384; 0: no limit.
func MaxConnections(n int) func(*http.Server) {
	if n < 0 {
		panic("aiohttp: MaxConnections: the number is negative; 0 is no limit")
	}
	return func(s *http.Server) { limitsOf(s, "MaxConnections").connections = n }
}

// limitedListener accepts at most a number of open connections.
type limitedListener struct {
	net.Listener
	progress time.Duration
	room     chan struct{} // holds one for each connection; nil: no limit
	closed   chan struct{}
	once     sync.Once
}

func limitListener(l net.Listener, limits limits) *limitedListener {
	limited := &limitedListener{Listener: l, progress: limits.progress, closed: make(chan struct{})}
	if limits.connections > 0 {
		limited.room = make(chan struct{}, limits.connections)
	}
	return limited
}

func (l *limitedListener) Accept() (net.Conn, error) {
	if l.room != nil {
		select {
		case l.room <- struct{}{}:
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		l.leave()
		return nil, err
	}
	return &limitedConn{Conn: conn, progress: l.progress, leave: sync.OnceFunc(l.leave)}, nil
}

func (l *limitedListener) leave() {
	if l.room != nil {
		<-l.room
	}
}

func (l *limitedListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// limitedConn is a connection on which each written piece has a time of its own.
type limitedConn struct {
	net.Conn
	leave func()

	mu       sync.Mutex
	progress time.Duration // 0: no limit
	until    time.Time     // set by the server; zero: none
}

const writtenInOneGo = 64 << 10

func (c *limitedConn) Write(p []byte) (n int, err error) {
	for {
		part := p[n:min(len(p), n+writtenInOneGo)]
		c.arm()
		wrote, err := c.Conn.Write(part)
		n += wrote
		if err != nil || n == len(p) {
			return n, err
		}
	}
}

// arm sets the deadline of the next write.
func (c *limitedConn) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.progress > 0 && c.until.IsZero() {
		c.Conn.SetWriteDeadline(time.Now().Add(c.progress))
	}
}

func (c *limitedConn) SetWriteDeadline(at time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = at
	return c.Conn.SetWriteDeadline(at)
}

func (c *limitedConn) SetDeadline(at time.Time) error {
	if err := c.SetWriteDeadline(at); err != nil {
		return err
	}
	return c.Conn.SetReadDeadline(at)
}

// free removes the limit: the connection has another protocol now.
func (c *limitedConn) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress = 0
	c.Conn.SetWriteDeadline(c.until)
}

func (c *limitedConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
