package aiowebsocket

import (
	"cmp"
	"crypto/tls"
	"net/http"
	"net/url"
	"time"
)

// Options are settings of [Accept], [Handler] and [Dial]. The zero value has the defaults.
type Options struct {
	// Protocols are the subprotocols that this side speaks, the preferred one first. A server
	// chooses the first that the client offers. See [Conn.Protocol]. Default: none.
	Protocols []string
	// Origins are further origins whose pages may connect to a server, such as
	// "https://example.com". "*" allows all. A browser sends the user's cookies with a connection
	// that any page opens. Default: only pages of the server's own host.
	Origins []string
	// Header has fields for the request of Dial, or the answer of Accept. Default: none.
	Header http.Header
	// TLS has the settings of Dial for wss. Default: those of package crypto/tls.
	TLS *tls.Config
	// Proxy names the proxy of Dial, or nil; [http.ProxyURL] makes such a function. Its request has
	// the URL with http for ws and https for wss. The proxy is asked to connect to the host: with
	// CONNECT, or with SOCKS 5, where it resolves the name. A proxy that is reached over TLS can
	// carry ws alone. It excludes UnixSocket. Default: that of the environment, see
	// [http.ProxyFromEnvironment].
	Proxy func(*http.Request) (*url.URL, error)
	// UnixSocket is the path of a Unix socket that Dial connects to, whatever the host in the URL.
	// It excludes Proxy. Default: the connection goes to the host.
	UnixSocket string

	// MaxMessage is the longest message that may arrive, in bytes, after decompression. A longer
	// one closes the connection with [TooBig]. Default: 1 MiB.
	MaxMessage int
	// Backlog is how many bytes may wait for a slow peer before [Conn.WriteNowait] refuses more.
	// Default: 256 KiB.
	Backlog int
	// Timeout bounds the opening handshake of Dial, and the closing handshake of both sides.
	// Default: 10 s.
	Timeout time.Duration
	// Heartbeat is after which silence the peer gets a ping. The connection is lost if nothing
	// arrives for as long again, or if bytes wait and the peer takes none of them for that long.
	// The error matches [os.ErrDeadlineExceeded]. Default: 20 s; negative: never.
	Heartbeat time.Duration
	// Compress allows compressed messages if the peer does, too. Each message is compressed by
	// itself (no context takeover), so an idle connection needs no memory for it. It costs the loop
	// processor time, and secrets beside text of others can be guessed from the length. Default:
	// no.
	Compress bool
}

func (o Options) withDefaults(op string) Options {
	if o.MaxMessage < 0 || o.Backlog < 0 || o.Timeout < 0 {
		panic("aiowebsocket: " + op + ": a limit is negative; leave it 0 for the default")
	}
	if o.UnixSocket != "" && o.Proxy != nil {
		panic("aiowebsocket: " + op + ": UnixSocket and Proxy exclude each other; set one")
	}
	o.MaxMessage = cmp.Or(o.MaxMessage, 1<<20)
	o.Backlog = cmp.Or(o.Backlog, 256<<10)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.Heartbeat = cmp.Or(o.Heartbeat, 20*time.Second)
	return o
}
