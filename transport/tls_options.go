package transport

import (
	"crypto/tls"
	"time"
)

const defaultHandshakeTimeout = 60 * time.Second

// TLS secures the connection: [Connect] is the client of the handshake, a [Server] the server.
// Protocol names (ALPN), client certificates, session resumption and verification are set in cfg,
// which must not be changed afterwards. A client takes the server name from the address unless cfg
// or [ServerName] gives one.
//
// The callbacks of cfg run on the loop's goroutine, in a task. A callback that gets a context
// (ClientHelloInfo.Context) may await with it. Private keys other than P-256 and Ed25519 sign on
// another goroutine, so that other tasks go on meanwhile.
//
// It panics if cfg is nil, or allows renegotiation, which would have to wait inside a read.
func TLS(cfg *tls.Config) Option {
	if cfg == nil {
		panic("transport: TLS: the configuration is nil; " +
			"pass a *tls.Config, &tls.Config{} for a client with the system's roots")
	}
	if cfg.Renegotiation != tls.RenegotiateNever {
		panic("transport: TLS: renegotiation is not supported; " +
			"leave tls.Config.Renegotiation at RenegotiateNever")
	}
	return optionFunc(func(o *options) { o.tlsConfig = cfg })
}

// ServerName is the name that a client expects in the server's certificate. It replaces the name in
// the configuration and the host of the address.
func ServerName(name string) Option {
	return optionFunc(func(o *options) { o.serverName = name })
}

// HandshakeTimeout is the longest time a TLS handshake may take before the connection is aborted
// with a [*HandshakeTimeoutError]. The default is 60 seconds. It panics if d is not positive.
func HandshakeTimeout(d time.Duration) Option {
	if d <= 0 {
		panic("transport: HandshakeTimeout: the duration is not positive; pass one above 0")
	}
	return optionFunc(func(o *options) { o.handshakeTimeout = d })
}

// AlreadyReceived gives [StartTLS] bytes that the old protocol received but that belong to the TLS
// handshake: everything after the point of the upgrade. It gives stream.Adopt bytes that were read
// from the connection before, which its reader returns first. They are copied.
func AlreadyReceived(p []byte) Option { return alreadyReceived(append([]byte(nil), p...)) }

type alreadyReceived []byte

func (alreadyReceived) apply(*options) {}

// Received is for package stream.
func (p alreadyReceived) Received() []byte { return p }
