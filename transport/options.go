package transport

import (
	"crypto/tls"
	"io/fs"
	"time"

	"github.com/aio-go/aio/internal/unixsocket"
)

// Option adjusts [Connect], [Listen], [Adopt], [AdoptListener] and [Endpoint].
type Option interface{ apply(o *options) }

type optionFunc func(o *options)

func (f optionFunc) apply(o *options) { f(o) }

// options holds the values of all options. The last three belong to TLS and have no meaning while
// tlsConfig is nil.
type options struct {
	localAddress   string
	eyeballs       time.Duration
	backlog        int
	reusePort      bool
	broadcast      bool
	keepSocketFile bool
	socketMode     fs.FileMode
	keepAlive      time.Duration
	maxConnections int           // 0: no limit
	idleTimeout    time.Duration // 0: no limit
	totalTimeout   time.Duration // 0: no limit
	notServing     bool
	alsoOn         []string

	shutdownTimeout  time.Duration
	tlsConfig        *tls.Config
	serverName       string
	handshakeTimeout time.Duration
}

const defaultShutdownTimeout = 30 * time.Second

// ShutdownTimeout is the longest time a closed transport waits without progress: until the peer
// takes the unsent bytes and, with TLS, answers the close_notify. Then the connection is aborted,
// and ConnectionLost gets a [*ShutdownTimeoutError]. A peer that takes less than 1 KiB a second
// makes no progress. A connection on which a write has failed waits as long for its protocol to
// read the last bytes, and ends with the error of the write. The default is 30 seconds. It panics
// if d is not positive.
func ShutdownTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("transport: ShutdownTimeout: the duration is not positive; pass one above 0")
	}
	return optionFunc(func(o *options) { o.shutdownTimeout = d })
}

// acceptsInOneGo is how many connections a server accepts in one turn unless Backlog says
// otherwise.
const acceptsInOneGo = 100

// acceptTime ends a turn of accepting, whatever Backlog says.
const acceptTime = time.Millisecond

// gather applies opts and refuses combinations that make no sense.
func gather(op string, opts []Option) *options {
	o := &options{eyeballs: defaultEyeballs, shutdownTimeout: defaultShutdownTimeout}
	for _, opt := range opts {
		if opt != nil {
			opt.apply(o)
		}
	}
	if o.tlsConfig == nil {
		switch {
		case o.serverName != "":
			panic("transport: " + op + ": a server name without TLS; " +
				"add the TLS option or drop the name")
		case o.handshakeTimeout != 0:
			panic("transport: " + op + ": a handshake timeout without TLS; " +
				"add the TLS option or drop the timeout")
		}
	}
	return o
}

// LocalAddress binds the local end to "host:port"; the port may be 0. By default the system
// chooses. For [Connect] only.
func LocalAddress(address string) Option {
	return optionFunc(func(o *options) { o.localAddress = address })
}

// Backlog is the number of connections that may wait to be accepted, and the number accepted in one
// turn. A turn ends after a millisecond in any case. By default the line is the longest that the
// system allows, as in package net, and a turn accepts 100. A line of 100, asyncio's default, fills
// at once when many clients come together; the system then makes the others wait for a second or
// more. It panics if n is less than 1. For [Listen] only.
func Backlog(n int) Option {
	if n < 1 {
		panic("transport: Backlog: the number is less than 1; pass a positive one")
	}
	return optionFunc(func(o *options) { o.backlog = n })
}

// ReusePort lets several servers or endpoints use one address, in this process or in others of the
// same user. The system spreads connections and datagrams among them. The default is false. If the
// system has no such option, [Listen] and [Endpoint] fail with errors.ErrUnsupported.
func ReusePort(on bool) Option {
	return optionFunc(func(o *options) { o.reusePort = on })
}

// StartServing tells [Listen] whether to accept connections from the start. If false,
// [Server.StartServing] or [Server.ServeForever] starts it. The default is true.
func StartServing(on bool) Option {
	return optionFunc(func(o *options) { o.notServing = !on })
}

// CleanupSocket tells [Listen] whether to remove the file of a unix socket when the server closes.
// A file that another server has put in its place is never removed. The default is true.
func CleanupSocket(on bool) Option {
	return optionFunc(func(o *options) { o.keepSocketFile = !on })
}

// AlsoOn makes one server listen on further addresses besides the one given to [Listen]. Repeated
// addresses count once.
func AlsoOn(addresses ...string) Option {
	return optionFunc(func(o *options) { o.alsoOn = append(o.alsoOn, addresses...) })
}

// SocketMode sets which users may connect to a unix socket: connecting takes permission to write.
// 0o660 admits the group of the file, 0o666 every user. The mode is that of the file, whatever the
// umask is.
//
// The default is 0o600: only the same user and root. The umask would be a poor guard. It concerns
// all files of the process, some services run with none, and a library that sets it sets it for
// every goroutine. It panics if mode has other bits than permissions, or does not let the owner
// write. For [Listen] only.
func SocketMode(mode fs.FileMode) Option {
	unixsocket.CheckMode("transport: SocketMode", mode)
	return optionFunc(func(o *options) { o.socketMode = mode })
}

// KeepAlive is how long a TCP connection may be silent before the system probes the peer. It
// repeats the probe each 15 seconds. After 9 unanswered probes the connection is lost with
// syscall.ETIMEDOUT. The default is 15 seconds, as in package net; less than 0 switches probes off.
// The time is rounded to seconds. For [Connect] and [Listen]; an adopted connection keeps its own
// setting.
func KeepAlive(d time.Duration) Option {
	return optionFunc(func(o *options) { o.keepAlive = d })
}

const defaultKeepAlive = 15 * time.Second
