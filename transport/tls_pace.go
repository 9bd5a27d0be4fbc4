package transport

import "errors"

// How fast a secured transport decrypts. crypto/tls does much for a few bytes of a hostile peer: it makes new
// keys for each KeyUpdate and answers it, and opens each record by itself, however little is in it. So one
// delivery does a bounded part of that, and the rest is for the next pass of the loop. A peer that asks for
// answers and does not take them gets no further ones. Meanwhile the raw transport does not read.

const (
	// maxReads is how many times one delivery asks crypto/tls for data. Each time crypto/tls passes at most
	// 16 records that carry none before it gives up.
	maxReads = 32
	// maxOwed is how many bytes of answers may wait in a write buffer that is full.
	maxOwed = 16 << 10
	// worstOwed is how many may wait if the limits of the buffer are so high that it is not full.
	worstOwed = 256 << 10
)

var errUnread = errors.New("transport: the TLS peer asks for answers and does not read them")

// pace makes the raw transport read, or not.
func (t *tlsTransport) pace() {
	if t.paused && t.state == tlsOpen || t.behind || t.choked {
		t.raw.PauseReading()
	} else {
		t.raw.ResumeReading()
	}
}

// postpone leaves the rest of what was received to the next pass.
func (t *tlsTransport) postpone() {
	t.behind = true
	t.pace()
	t.receiveSoon()
}

// receiveSoon queues receive, once.
func (t *tlsTransport) receiveSoon() {
	if !t.queued {
		t.queued = true
		t.loop.CallSoon(t.receive)
	}
}

// receive is deliver as a callback of the loop.
func (t *tlsTransport) receive() {
	t.queued = false
	wasBehind := t.behind
	t.behind = false
	if !t.busy && (t.state == tlsOpen || t.state == tlsClosing) {
		t.guard("transport: a protocol panicked while receiving", t.deliver)
	}
	switch {
	case t.behind:
	case t.rawLost:
		t.lose(t.lostErr)
	case wasBehind:
		t.pace()
	}
}

// answered is told that crypto/tls has written n bytes by itself. It ends the delivery.
func (t *tlsTransport) answered(n int) {
	if t.raw.WriteBufferSize() == 0 {
		t.owed = 0
	}
	t.owed += n
	t.flush()
	switch {
	case t.owed > worstOwed && t.raw.WriteBufferSize() >= t.owed:
		t.fail(errUnread)
	case t.owed > maxOwed && t.full:
		t.choked = true
		t.pace()
	default:
		t.postpone()
	}
}

// unchoke goes on after the peer has taken what waited.
func (t *tlsTransport) unchoke() {
	if t.choked {
		t.choked = false
		t.postpone()
	}
}

// cut handles the end of what the peer sends without a close_notify. Often it has closed its sending half
// alone and waits for an answer. So what was written goes out first, and what the application writes until
// all of it has gone; then the connection ends with ErrTruncated.
func (t *tlsTransport) cut() {
	t.ended, t.severed = true, true
	t.failure = ErrTruncated
	t.flush()
	t.watchShutdown()
	t.raw.SetWriteBufferLimits(0, 0) // ResumeWriting tells when all is out
	t.endCut()
}

// endCut ends a connection that was cut unless there is something left to send. A task that was just told
// that there is room has two passes to write more.
func (t *tlsTransport) endCut() {
	if !t.severed {
		return
	}
	t.loop.CallSoon(func() {
		t.loop.CallSoon(func() {
			if t.WriteBufferSize() == 0 && t.file == nil && t.state == tlsOpen {
				t.fail(ErrTruncated)
			}
		})
	})
}
