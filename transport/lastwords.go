package transport

import "cmp"

// When a write fails, the last bytes of the peer may still be there: in the kernel, in the buffer
// of a portable connection, or held back by PauseReading. So a transport whose write failed becomes
// mute: it sends nothing any more and delivers the rest that it can receive. Then ConnectionLost
// follows, with the error of the write. It follows as well when the protocol takes less than 1 KiB
// a second for the time of ShutdownTimeout.

// lastWords is implemented by a Conn whose reading ends by itself once a write has failed. Of any
// other Conn only the bytes that are there already are read.
type lastWords interface{ hearsTheEnd() }

func (c *portableConn) hearsTheEnd() {}

// sendingFailed ends the sending half with err. It ends the connection too if nothing is left to
// receive.
func (t *selectorTransport) sendingFailed(what string, err error) {
	if t.phase != open || t.ended || t.way != bothWays || !isSystemError(err) {
		t.fatal(what, err)
		return
	}
	t.phase, t.sendErr = mute, err
	t.file.lost(err)
	t.dropUnsent()
	t.readable, t.hungUp = true, true // read until it ends
	if !t.paused {
		t.readSoon()
	}
	t.linger.overhear(t, err)
	t.maybeResume() // no task may wait for room that does not come
}

// endIfSpent ends a mute transport that can receive nothing more.
func (t *selectorTransport) endIfSpent() {
	if _, ok := t.conn.(lastWords); t.phase == mute && !ok {
		endNow(t, t.sendErr)
	}
}

// WriteError returns why nothing more can be sent, while the peer's last bytes are still being
// received. It returns nil if nothing has failed.
func (t *selectorTransport) WriteError() error { return cmp.Or(t.sendErr, t.failure()) }

// failure returns why the connection could not send bytes that it took, if that has not been
// handled yet.
func (t *selectorTransport) failure() error {
	if t.pends && t.phase < ending {
		if _, err := t.conn.TryWrite(nil); err != ErrWouldBlock {
			return err
		}
	}
	return nil
}

// WriteError returns the WriteError of the raw transport.
func (t *tlsTransport) WriteError() error {
	if w, ok := t.raw.(interface{ WriteError() error }); ok {
		return w.WriteError()
	}
	return nil
}
