package transport

import (
	"fmt"
)

// ---- sending

func (t *selectorTransport) Write(p []byte) {
	t.hub.loop.MustBeHere("Transport.Write")
	if t.phase > open || len(p) == 0 {
		return
	}
	if t.wroteEOF {
		panic("transport: Transport.Write: after WriteEOF; " +
			"write everything first, or close with Close")
	}
	if t.way == receives {
		panic("transport: Transport.Write: this is the reading end of a pipe; " +
			"ConnectWritePipe makes transports that write")
	}
	if t.file != nil {
		panic("transport: Transport.Write: a file is being sent; wait until Sendfile has returned")
	}
	t.send(p)
}

// send is Write without its checks.
func (t *selectorTransport) send(p []byte) {
	if len(t.buf) == 0 {
		n, err := t.push(p)
		if err != nil {
			t.sendingFailed("writing failed", err)
			return
		}
		p = p[n:]
	}
	if len(p) > 0 {
		t.keep(p)
	}
	if len(t.buf) > 0 || t.pends {
		t.maybePause()
	}
}

// WriteNow passes bytes of p to the connection and returns how many it took: 0 if others are
// waiting to be sent, or nothing can be. It keeps none of the rest. Package aiohttp uses it for
// large bodies, of which Write would copy what the connection does not take.
func (t *selectorTransport) WriteNow(p []byte) int {
	if t.phase != open || t.wroteEOF || t.way != bothWays || t.file != nil || len(t.buf) > 0 ||
		t.pends || len(p) == 0 {
		return 0
	}
	n, err := t.conn.TryWrite(p)
	switch {
	case n > 0:
		t.bytesMoved()
	case err != nil && err != ErrWouldBlock:
		t.sendingFailed("writing failed", err)
	}
	return n
}

// push passes p to the connection until that is full or the turn is over. It returns the number of
// bytes taken.
func (t *selectorTransport) push(p []byte) (n int, err error) {
	for n < len(p) {
		if n >= maxWriteBytes {
			t.flushSoon()
			break
		}
		k, err := t.conn.TryWrite(p[n:])
		if n += k; k > 0 {
			t.bytesMoved()
		}
		if err == ErrWouldBlock || err == nil && k == 0 {
			break
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// flushSoon queues another turn of writing.
func (t *selectorTransport) flushSoon() {
	if !t.flushQueued {
		t.flushQueued = true
		t.hub.loop.CallSoon(t.flushNow)
	}
}

func (t *selectorTransport) flushNow() {
	t.flushQueued = false
	if t.phase < ending {
		t.flush()
	}
}

// keep adds p to the buffer.
func (t *selectorTransport) keep(p []byte) {
	switch {
	case t.buf == nil:
		t.buf = t.hub.takeBuffer(len(p))
	case t.sent > len(t.buf)/2 && len(t.buf)+len(p) > cap(t.buf):
		// Move only then: moving many bytes for little room, again and again, would take too long.
		t.buf = t.buf[:copy(t.buf, t.buf[t.sent:])]
		t.sent = 0
	}
	t.buf = append(t.buf, p...)
}

// flush continues with the buffer, and does the work that waits for its end.
func (t *selectorTransport) flush() {
	if len(t.buf) > 0 {
		n, err := t.push(t.buf[t.sent:])
		if err != nil {
			t.sendingFailed("writing failed", err)
			return
		}
		if t.sent += n; t.sent < len(t.buf) {
			t.maybeResume()
			return
		}
		t.dropUnsent()
		t.maybeResume() // may write again
		if t.wroteEOF && len(t.buf) == 0 && t.phase < ending {
			t.shutWriting()
		}
	} else if t.pends {
		t.maybeResume()
	}
	t.file.changed()
	if t.phase != flushing || t.WriteBufferSize() > 0 {
		return
	}
	if err := t.failure(); err != nil {
		t.fatal("writing failed", err)
		return
	}
	t.phase = ending
	endNow(t, nil)
}

func (t *selectorTransport) maybePause() {
	if t.writingPaused || t.WriteBufferSize() <= t.high {
		return
	}
	t.writingPaused = true
	if t.flows && t.file == nil {
		defer t.reportPanic("PauseWriting")
		t.proto.(FlowControl).PauseWriting()
	}
}

func (t *selectorTransport) maybeResume() {
	if !t.writingPaused || t.WriteBufferSize() > t.low {
		return
	}
	t.writingPaused = false
	if t.file != nil {
		t.file.changed()
		return
	}
	if t.flows {
		defer t.reportPanic("ResumeWriting")
		t.proto.(FlowControl).ResumeWriting()
	}
}

func (t *selectorTransport) WriteEOF() {
	t.hub.loop.MustBeHere("Transport.WriteEOF")
	if t.phase > open || t.wroteEOF {
		return
	}
	if t.file != nil {
		panic("transport: Transport.WriteEOF: a file is being sent; " +
			"wait until Sendfile has returned")
	}
	if t.way == sends {
		t.Close()
		return
	}
	if !t.CanWriteEOF() {
		panic("transport: Transport.WriteEOF: this connection has no half-close; " +
			"ask CanWriteEOF first")
	}
	t.wroteEOF = true
	if len(t.buf) == 0 {
		t.shutWriting()
	}
}

func (t *selectorTransport) shutWriting() {
	// The peer may have reset the connection; the next read returns that error.
	if err := t.conn.CloseWrite(); err != nil && !isNotConnected(err) {
		t.sendingFailed("closing the sending half failed", err)
	}
}

func (t *selectorTransport) CanWriteEOF() bool {
	if t.way != bothWays {
		return t.way == sends
	}
	c, ok := t.conn.(interface{ CanCloseWrite() bool })
	return !ok || c.CanCloseWrite()
}

func (t *selectorTransport) WriteBufferSize() int {
	n := len(t.buf) - t.sent
	if t.pends {
		n += t.conn.(Pender).Pending()
	}
	return n
}

func (t *selectorTransport) WriteBufferLimits() (high, low int) { return t.high, t.low }

func (t *selectorTransport) SetWriteBufferLimits(high, low int) error {
	t.hub.loop.MustBeHere("Transport.SetWriteBufferLimits")
	high, low, err := bufferLimits(high, low)
	if err != nil {
		return err
	}
	t.high, t.low = high, low
	if t.phase <= open {
		t.maybePause()
	}
	return nil
}

// bufferLimits fills in the limits to be derived, and checks them.
func bufferLimits(high, low int) (int, int, error) {
	switch {
	case high == DefaultLimit && low == DefaultLimit:
		return defaultHigh, defaultLow, nil
	case high == DefaultLimit:
		high = 4 * low
	case low == DefaultLimit:
		low = high / 4
	}
	if high < low || low < 0 {
		return 0, 0, fmt.Errorf("transport: write buffer limits high %d, low %d: "+
			"high must not be less than low, nor low negative", high, low)
	}
	return high, low, nil
}
