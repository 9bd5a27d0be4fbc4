package transport

import (
	"net"
	"sync"
)

// Share makes n listeners of one, for n loops: each accepts its part of the connections, with
// [AdoptListener]. It is for systems where [ReusePort] does not spread connections, and for
// listeners that cannot be opened twice, such as unix sockets. Where ReusePort works it costs less:
// Share passes every connection through a goroutine, and goroutines then read it as with
// [Portable].
//
// The listeners own ln and close it with the last of them: close each, or give it to a server,
// which does so. A listener that accepts slowly does not delay the others. After a failure of ln
// each Accept under way may return it.
//
// It may be called on any goroutine and does not block. It panics if ln is nil or n is less than 1.
// asyncio has no counterpart.
func Share(ln net.Listener, n int) []net.Listener {
	switch {
	case ln == nil:
		panic("transport: Share: the listener is nil; pass one")
	case n < 1:
		panic("transport: Share: the number of listeners is less than 1; pass a positive one")
	}
	s := &shared{ln: ln, next: make(chan accepted), over: make(chan struct{}), open: n}
	all := make([]net.Listener, n)
	for i := range all {
		all[i] = &shareOf{shared: s, closed: make(chan struct{})}
	}
	s.acceptor.Go(s.acceptAll)
	return all
}

// shared is a listener and the goroutine that accepts for all its shares.
type shared struct {
	ln       net.Listener
	next     chan accepted // passes a connection to the first Accept
	over     chan struct{} // closed when the last share is closed
	acceptor sync.WaitGroup

	mu   sync.Mutex // guards open
	open int        // number of shares that are not closed
}

func (s *shared) acceptAll() {
	for {
		c, err := s.ln.Accept()
		select {
		case s.next <- accepted{c, err}:
		case <-s.over:
			if c != nil {
				c.Close()
			}
			return
		}
	}
}

// shareOf is one of the listeners that Share makes.
type shareOf struct {
	*shared
	once   sync.Once
	closed chan struct{}
}

// Accept waits for the next connection of this share.
func (l *shareOf) Accept() (net.Conn, error) {
	select {
	case <-l.closed: // even if a connection waits
	default:
		select {
		case a := <-l.next:
			return a.conn, a.err
		case <-l.closed:
		}
	}
	return nil, &net.OpError{
		Op:   "accept",
		Net:  l.Addr().Network(),
		Addr: l.Addr(),
		Err:  net.ErrClosed,
	}
}

// Close ends this share; the last one closes the listener itself and returns its error.
func (l *shareOf) Close() (err error) {
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		l.open--
		last := l.open == 0
		l.mu.Unlock()
		if last {
			close(l.over)
			err = l.ln.Close()
			l.acceptor.Wait()
		}
	})
	return err
}

// Addr returns the address listened on.
func (l *shareOf) Addr() net.Addr { return l.ln.Addr() }
