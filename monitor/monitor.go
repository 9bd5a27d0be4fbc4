// Package monitor answers questions about the loops of a running program: which tasks there are,
// what each waits for and since when, who holds it up, and what a loop does that stands still.
//
// A program takes part if its main package imports monitor and it runs with AIO_MONITOR=1:
//
//	import _ "github.com/aio-go/aio/monitor"
//
// Then, while a loop runs, the process listens on the Unix socket aio-PID.sock in a folder of its
// user, and the command aio (cmd/aio) finds it by its process number: aio ps, aio why, aio top. The
// variable has no effect on a program that does not import the package: Go links only what is
// imported, and no library package does it on the program's behalf.
//
// [Serve] does the same at a time of your choice, and [Handler] shows the same on a mux of net/http
// or aiohttp. While nobody asks, a monitor costs nothing but a goroutine that waits.
//
// # Who may ask
//
// The socket has mode 0600 in a folder of mode 0700, and on Linux the peer must be the same user or
// root. Nobody can change anything unless [AllowCancel] is given, or AIO_MONITOR=cancel.
package monitor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/aio-go/aio/internal/inspect"
	"github.com/aio-go/aio/internal/unixsocket"
)

// Option is a setting for [Serve] or [Handler].
type Option interface{ monitorOption(s *settings) }

type option func(s *settings)

func (o option) monitorOption(s *settings) { o(s) }

type settings struct {
	path   string // of the socket; "": in the folder of the user
	tcp    string
	cancel bool
}

// Path makes [Serve] listen on a Unix socket at this path. A stale socket there is replaced; a
// socket in use and any other file is an error. Default: aio-PID.sock in the folder of the user.
func Path(path string) Option { return option(func(s *settings) { s.path = path }) }

// TCP makes [Serve] listen on this address of TCP instead of a Unix socket, such as
// "127.0.0.1:7070". The host must be an address of the loopback. Any user of the machine can then
// ask.
func TCP(address string) Option { return option(func(s *settings) { s.tcp = address }) }

// AllowCancel lets those who ask also cancel tasks. The cause is an [*OperatorError]. Default: no.
func AllowCancel() Option { return option(func(s *settings) { s.cancel = true }) }

func newSettings(opts []Option) (s settings) {
	for _, o := range opts {
		if o == nil {
			panic("aio: monitor: an option is nil; leave it out")
		}
		o.monitorOption(&s)
	}
	return s
}

// Server listens for questions about the loops of the process. Any goroutine may use it.
type Server struct {
	settings settings
	listener net.Listener
	ctx      context.Context // of the connections
	stop     context.CancelFunc
	work     sync.WaitGroup
	slots    chan struct{} // one for each connection that is served

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	ended bool
}

// Serve begins to listen, until Close. It returns an error if the socket cannot be made. A process
// may have several servers if each has a path of its own.
func Serve(opts ...Option) (*Server, error) {
	s := &Server{settings: newSettings(opts), slots: make(chan struct{}, maxClients),
		conns: map[net.Conn]struct{}{}}
	var err error
	if s.listener, err = s.settings.listen(); err != nil {
		return nil, err
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	inspect.Want()
	s.work.Go(s.accept)
	return s, nil
}

// Addr returns the address on which the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close stops listening, removes the socket's file, ends the connections and waits for their
// goroutines. It waits neither for a loop nor for a peer. A second Close does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return nil
	}
	s.ended = true
	err := s.listener.Close()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	s.stop()
	s.work.Wait()
	return err
}

func (s *settings) listen() (net.Listener, error) {
	if s.tcp != "" {
		if s.path != "" {
			panic("aio: monitor.Serve: Path and TCP exclude each other; give one of them")
		}
		return listenLoopback(s.tcp)
	}
	path := s.path
	if path == "" {
		dir, err := userFolder()
		if err != nil {
			return nil, err
		}
		path = filepath.Join(dir, socketName(os.Getpid()))
	}
	ln, err := unixsocket.Listen(context.Background(), path, unixsocket.DefaultMode, false)
	if err != nil {
		return nil, fmt.Errorf("aio: monitor.Serve: %w", err)
	}
	return ln, nil
}

var errLoopback = errors.New("aio: monitor.TCP: the host must be an address of the loopback, " +
	"such as 127.0.0.1; for other machines forward the port with ssh")

func listenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("aio: monitor.TCP: %w", err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, errLoopback
	}
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("aio: monitor.Serve: %w", err)
	}
	return ln, nil
}

func socketName(pid int) string { return "aio-" + strconv.Itoa(pid) + ".sock" }

// pidOf returns the process number in the name of a socket, 0 if it has none.
func pidOf(name string) int {
	digits, ok := strings.CutPrefix(strings.TrimSuffix(name, ".sock"), "aio-")
	if pid, err := strconv.Atoi(digits); ok && err == nil && pid > 0 && socketName(pid) == name {
		return pid
	}
	return 0
}

// variable switches the monitor on in a program that imports this package.
const variable = "AIO_MONITOR"

func init() {
	var opts []Option
	switch value := os.Getenv(variable); {
	case value == "" || value == "0" || raisedRights():
		return
	case value == "cancel":
		opts = append(opts, AllowCancel())
	case filepath.IsAbs(value):
		opts = append(opts, Path(value))
	case value != "1":
		slog.Warn("aio: " + variable + ": it is none of 1, cancel and the absolute path of a " +
			"socket, so there is no monitor")
		return
	}
	var auto automatic
	inspect.Watch(&inspect.Watcher{
		Began:  func() { auto.begin(opts) },
		Closed: auto.closed,
	})
}

// automatic is the server that the variable asks for. It is there while loops are.
type automatic struct {
	mu     sync.Mutex
	server *Server
	warned bool
}

func (a *automatic) begin(opts []Option) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		return
	}
	s, err := Serve(opts...)
	if err != nil && !a.warned {
		a.warned = true // not once for each loop
		slog.Warn("aio: " + variable + ": " + err.Error())
	}
	if err == nil {
		a.server = s
	}
}

func (a *automatic) closed(left int) {
	if left > 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		_ = a.server.Close() // the file may have been removed by others
		a.server = nil
	}
}
