package transport

import (
	"errors"
	"time"
)

// This file bounds how fast a secured transport decrypts. A hostile peer can make crypto/tls do
// much work for a few bytes. It makes new keys for each KeyUpdate and answers it, and it opens each
// record by itself, however small. So one delivery does a bounded part, and the next pass of the
// loop continues. A peer that asks for answers and does not take them gets no further ones.
// Meanwhile the raw transport does not read.

const (
	// maxReads is how many times one delivery asks crypto/tls for data. Each time crypto/tls passes
	// at most 16 records that carry none before it gives up.
	maxReads = 32
	// maxOwed is how many bytes of answers may wait in a full write buffer.
	maxOwed = 16 << 10
	// worstOwed is how many bytes of answers may wait if the buffer's limits are so high that it is
	// not full.
	worstOwed = 256 << 10
)

var errUnread = errors.New("transport: the TLS peer asks for answers and does not read them")

// pace starts or stops the raw transport's reading.
func (t *tlsTransport) pace() {
	if t.paused && t.state == tlsOpen || t.behind || t.choked {
		t.raw.PauseReading()
	} else {
		t.raw.ResumeReading()
	}
}

// postpone leaves the rest of the received bytes to the next pass.
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

// answered counts the n bytes that crypto/tls wrote by itself. It ends the delivery.
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

// unchoke continues after the peer has taken the answers.
func (t *tlsTransport) unchoke() {
	if t.choked {
		t.choked = false
		t.postpone()
	}
}

// cut handles the end of the peer's bytes without a close_notify. Often the peer has closed its
// sending half only, and waits for an answer. So the written bytes go out first, and also those
// that the application writes until all have been sent. Then the connection ends with ErrTruncated.
func (t *tlsTransport) cut() {
	t.ended, t.severed = true, true
	t.failure = ErrTruncated
	t.flush()
	t.watchShutdown()
	t.raw.SetWriteBufferLimits(0, 0) // ResumeWriting is called when all is out
	t.endCut()
}

// cutPause is the time between two looks at an application that works and has nothing to send yet.
const cutPause = 10 * time.Millisecond

// endCut ends a connection that was cut if nothing is left to send. A task that was just told of
// room has two passes to write more. A task that works on its answer has [ShutdownTimeout].
func (t *tlsTransport) endCut() {
	if t.severed && !t.ending {
		t.ending = true
		t.loop.CallSoon(func() { t.loop.CallSoon(t.endCutNow) })
	}
}

func (t *tlsTransport) endCutNow() {
	t.ending = false
	if t.WriteBufferSize() > 0 || t.file != nil || t.state != tlsOpen {
		return
	}
	if w, ok := t.app.(interface{ Working() bool }); ok && w.Working() {
		t.ending = true
		t.loop.CallLater(cutPause, t.endCutNow)
		return
	}
	t.fail(ErrTruncated)
}
