package transport

// ServerStatistics is what [Server.Statistics] returns.
type ServerStatistics struct {
	Accepted int // connections accepted so far
	Active   int // those of them that have not ended
	Failures int // how often accepting failed, and was put off
	// HandshakesFailed is how many TLS handshakes failed because of the peer or the configuration, those of
	// [StartTLS] included. The reasons are logged at debug level, with the peer.
	HandshakesFailed int
	Resting          bool // an address accepts nothing at the moment because of such a failure
}

// Statistics returns a picture of the server as it is now.
func (s *Server) Statistics() ServerStatistics {
	st := ServerStatistics{Accepted: s.accepted, Active: s.active, Failures: s.failures, HandshakesFailed: s.unshaken}
	for _, l := range s.listeners {
		st.Resting = st.Resting || l.waiting && !s.closed
	}
	return st
}
