package transport

import (
	"context"
	"crypto/tls"
	"runtime"
	"slices"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
)

// handshakeSteps is how many steps of handshakes may run in one pass of a loop. A step, from a
// message of the peer to the wait for the next one, takes a few tenths of a millisecond.
const handshakeSteps = 2

// turnstile bounds the work of handshakes on a loop, so that other tasks get their turn however
// many peers connect. It counts steps and not handshakes under way: a handshake whose peer is
// silent stops no other one. Waiting handshakes resume in FIFO order. The time they wait counts for
// their HandshakeTimeout.
type turnstile struct {
	loop  *aio.Loop
	left  int // steps left in this pass
	line  []aio.Waiter
	armed bool // renew is queued

	signers       *aiosync.Limiter // see tls_sign.go
	given, beside *tls.Config      // the last configuration, and its copy that signs off the loop
}

func newTurnstile(l *aio.Loop) *turnstile {
	// The loop keeps one thread.
	return &turnstile{
		loop:    l,
		left:    handshakeSteps,
		signers: aiosync.NewLimiter(max(1, runtime.GOMAXPROCS(0)-1)),
	}
}

// step suspends t's handshake until it may compute.
func (s *turnstile) step(ctx context.Context, t *tlsTransport) error {
	s.arm()
	if s.left > 0 && len(s.line) == 0 {
		s.left--
		return nil
	}
	w := aio.NewWaiter(ctx, "transport: TLS handshake, waiting for its turn", t)
	t.inLine = w
	s.line = append(s.line, w)
	defer func() { // given up, cancelled, or ended by the loop
		t.inLine = aio.Waiter{}
		if i := slices.Index(s.line, w); i >= 0 {
			s.line = slices.Delete(s.line, i, i+1)
		}
	}()
	return w.Park()
}

func (s *turnstile) arm() {
	if !s.armed {
		s.armed = true
		s.loop.CallSoon(s.renew)
	}
}

// renew allows the steps of another pass.
func (s *turnstile) renew() {
	s.armed = false
	n := min(handshakeSteps, len(s.line))
	for _, w := range s.line[:n] {
		w.Unpark()
	}
	s.line = slices.Delete(s.line, 0, n)
	if s.left = handshakeSteps - n; n > 0 {
		s.arm()
	}
}
