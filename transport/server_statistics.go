package transport

// ServerStatistics is the result of [Server.Statistics].
type ServerStatistics struct {
	Accepted int // connections accepted so far
	Active   int // accepted connections that have not ended
	Failures int // how often accepting failed and was put off
	// HandshakesFailed is how many TLS handshakes failed because of the peer or the configuration,
	// including those of [StartTLS]. The reasons are logged at debug level, with the peer.
	HandshakesFailed int
	Resting          bool // an address accepts nothing at the moment because of a failure
}

// Statistics returns the current state of the server.
func (s *Server) Statistics() ServerStatistics {
	st := ServerStatistics{
		Accepted:         s.accepted,
		Active:           s.active,
		Failures:         s.failures,
		HandshakesFailed: s.unshaken,
	}
	for _, l := range s.listeners {
		st.Resting = st.Resting || l.waiting && !s.closed
	}
	return st
}
