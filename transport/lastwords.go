package transport

// What the peer said before it left can still be there when a write fails: in the kernel, in the buffer of a
// portable connection, or behind a pause. A transport whose write failed is mute: it sends nothing any more, and
// delivers what it can still receive. ConnectionLost, with the error of the write, follows when that has ended.

// lastWords is implemented by a Conn whose reading comes to an end by itself once a write has failed. Of others
// only what is there already is read.
type lastWords interface{ hearsTheEnd() }

func (c *portableConn) hearsTheEnd() {}

// sendingFailed ends the sending half because of err, and the connection when nothing is left to receive.
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
	t.maybeResume() // nobody must wait for room that does not come
}

// endIfSpent ends a mute transport of which nothing more can be expected.
func (t *selectorTransport) endIfSpent() {
	if _, ok := t.conn.(lastWords); t.phase == mute && !ok {
		endNow(t, t.sendErr)
	}
}

// WriteError returns why nothing can be sent any more, while the last of what the peer sent is still being
// received; nil if nothing has failed.
func (t *selectorTransport) WriteError() error { return t.sendErr }

// WriteError returns that of the raw transport.
func (t *tlsTransport) WriteError() error {
	if w, ok := t.raw.(interface{ WriteError() error }); ok {
		return w.WriteError()
	}
	return nil
}
