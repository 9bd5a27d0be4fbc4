package transport

import (
	"crypto/tls"
	"errors"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// tlsProtocol is the protocol of the raw transport below a tlsTransport. It takes encrypted bytes
// and passes decrypted ones to the application protocol.
type tlsProtocol struct{ t *tlsTransport }

// maxEarly bounds the bytes kept of a peer that goes on sending while the handshake waits for
// something else.
const maxEarly = 256 << 10

// ConnectionMade lets the handshake begin.
func (p tlsProtocol) ConnectionMade(raw Transport) {
	p.t.raw = raw
	p.t.rawMade = true
	p.t.waiter.Unpark()
}

// DataReceived takes encrypted bytes.
func (p tlsProtocol) DataReceived(data []byte) {
	t := p.t
	switch t.state {
	case tlsHandshaking:
		t.heard = true
		t.bio.feed(data)
		t.bio.keep()
		if len(t.bio.in) > maxEarly && !t.flooded {
			t.flooded = true
			t.raw.PauseReading()
		}
		t.waiter.Unpark()
	case tlsOpen, tlsClosing:
		if t.ended { // bytes after a close_notify are not part of the conversation
			return
		}
		t.bio.feed(data)
		defer t.bio.keep() // a panic of the application goes on to the raw transport
		t.deliver()
	}
}

// EOFReceived handles the end of the raw connection's bytes. The raw transport stays open; deliver
// closes it after the received bytes have been delivered.
func (p tlsProtocol) EOFReceived() bool {
	t := p.t
	switch t.state {
	case tlsHandshaking:
		t.bio.finish(ErrHandshakeInterrupted)
		t.waiter.Unpark()
		return true
	case tlsOpen, tlsClosing:
		t.bio.finish(ErrTruncated)
		t.deliver()
		return true
	}
	return false
}

// ConnectionLost handles the end of the raw connection.
func (p tlsProtocol) ConnectionLost(err error) {
	t := p.t
	t.rawLost, t.lostErr = true, err
	t.stopTimer()
	if t.state == tlsHandshaking {
		if err == nil {
			err = ErrHandshakeInterrupted
		} else {
			err = &interruptedError{err}
		}
		t.bio.finish(err)
		t.waiter.Unpark()
		return
	}
	if t.state == tlsOpen && !t.paused && (t.behind || t.choked) && err != aio.ErrLoopClosed {
		t.unchoke()
		return // receive reports it, after the bytes that had arrived
	}
	if t.state == tlsClosing && t.quiet {
		// Many peers are gone before our close_notify arrives; a plain connection would not notice.
		err = nil
	}
	t.lose(err)
}

// PauseWriting passes the raw transport's request on.
func (p tlsProtocol) PauseWriting() {
	p.t.full = true
	if f, ok := p.t.app.(FlowControl); ok && p.t.hears() && p.t.file == nil {
		f.PauseWriting()
	}
}

// ResumeWriting passes the raw transport's permission on.
func (p tlsProtocol) ResumeWriting() {
	p.t.full = false
	p.t.unchoke()
	p.t.endCut()
	if p.t.file != nil {
		p.t.file.changed()
		return
	}
	if f, ok := p.t.app.(FlowControl); ok && p.t.hears() {
		f.ResumeWriting()
	}
}

// hears reports whether the application protocol has got ConnectionMade and not yet ConnectionLost.
func (t *tlsTransport) hears() bool {
	return t.state != tlsLost && (t.upgrade || t.state != tlsHandshaking)
}

// deliver decrypts the received bytes and passes them to the application protocol. It stops when no
// complete record is left, reading is paused, or the pass has done enough (see tls_pace.go). Bytes
// to be sent meanwhile go out in one piece at the end.
func (t *tlsTransport) deliver() {
	if t.busy {
		return
	}
	t.busy = true
	plain := incoming.Get().(*[maxPlain]byte)
	defer func() {
		t.busy = false
		incoming.Put(plain)
		if t.state == tlsOpen || t.state == tlsClosing {
			t.flush()
		}
	}()
	if held := t.held; len(held) > 0 && t.state == tlsOpen && !t.paused {
		t.held = nil
		t.hand(held)
	}
	for reads, more := 0, true; more && t.wants(); reads++ {
		if reads == maxReads {
			t.postpone()
			return
		}
		before := t.bio.pending()
		n, err := t.conn.Read(plain[:])
		answer := t.bio.pending() - before
		switch {
		case n > 0:
			// An error that came with bytes comes again: crypto/tls remembers permanent errors.
			t.hand(plain[:n])
		case err == nil:
		case errtree.Is(err, errWouldBlock):
			more = false
		case t.state == tlsClosing:
			t.retire()
		case isOrderlyEnd(err):
			t.peerEnded()
		case errtree.Is(err, ErrTruncated):
			t.cut()
		default:
			t.fail(err)
		}
		if answer > 0 && t.state < tlsFailed {
			t.answered(answer)
			return
		}
	}
}

// wants reports whether deliver has to decrypt anything.
func (t *tlsTransport) wants() bool {
	if t.choked {
		return false
	}
	return t.state == tlsClosing && !t.retiring || t.state == tlsOpen && !t.paused && !t.ended
}

// hand passes decrypted bytes to the application protocol, into its own buffer if it has one. The
// protocol may be exchanged, paused or closed on the way.
func (t *tlsTransport) hand(data []byte) {
	for len(data) > 0 && t.state == tlsOpen {
		if t.paused {
			t.held = append(t.held, data...)
			return
		}
		app, ok := t.app.(BufferedProtocol)
		if !ok {
			t.app.DataReceived(data)
			return
		}
		buf := app.GetBuffer(len(data))
		if len(buf) == 0 {
			t.fail(errNoBuffer)
			return
		}
		n := copy(buf, data)
		data = data[n:]
		app.BufferUpdated(n)
	}
}

var errNoBuffer = errors.New("transport: GetBuffer of the protocol returned an empty buffer")

// peerEnded handles the peer's close_notify. In TLS 1.3 it ends one direction only; before, it asks
// for the end of both.
func (t *tlsTransport) peerEnded() {
	t.ended = true
	keepOpen := t.app.EOFReceived()
	if keepOpen && t.conn.ConnectionState().Version >= tls.VersionTLS13 {
		return
	}
	t.Close()
}

// lose tells the application protocol that the connection is gone.
func (t *tlsTransport) lose(err error) {
	if t.state == tlsLost {
		return
	}
	if t.failure != nil {
		err = t.failure
	}
	app := t.app
	t.state = tlsLost
	t.file.lost(err)
	t.app = nil
	t.held = nil
	t.bio.drop()
	t.stopTimer()
	app.ConnectionLost(err)
}
