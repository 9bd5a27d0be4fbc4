package transport

import (
	"errors"
	"io"
)

// ---- receiving

func (t *selectorTransport) canRead() bool {
	return t.readable && (t.phase == open || t.phase == mute) && !t.paused && !t.ended
}

// read delivers the bytes that have arrived, at most maxReadBytes in one turn.
func (t *selectorTransport) read() {
	if !t.canRead() {
		return
	}
	method := "GetBuffer" // the method that is running
	defer func() {
		if v := recover(); v != nil {
			t.protocolFailed(method, v)
		}
	}()
	for size, calls := 0, 0; t.canRead(); calls++ {
		if size >= maxReadBytes || calls >= maxReadCalls {
			t.readSoon()
			return
		}
		p := t.hub.buf
		var into BufferedProtocol
		if t.buffered {
			into = t.proto.(BufferedProtocol)
			method = "GetBuffer"
			if p = into.GetBuffer(-1); len(p) == 0 {
				t.fatal("GetBuffer returned an empty buffer",
					errors.New("transport: GetBuffer returned an empty buffer"))
				return
			}
		}
		n, err := t.conn.TryRead(p)
		// Decide before the protocol is called: it may pause and resume reading.
		if n < len(p) && !t.hungUp || err == ErrWouldBlock || n == 0 {
			t.readable = false
		}
		if n > 0 {
			size += n
			t.linger.heard += n
			t.bytesMoved()
			if into != nil {
				method = "BufferUpdated"
				into.BufferUpdated(n)
			} else {
				method = "DataReceived"
				t.proto.DataReceived(p[:n])
			}
		}
		switch {
		case err == nil:
		case err == ErrWouldBlock:
			t.endIfSpent()
			return
		case err == io.EOF:
			if t.phase == open || t.phase == mute {
				method = "EOFReceived"
				t.eof()
			}
			return
		case t.phase == mute:
			endNow(t, t.sendErr)
			return
		default:
			t.fatal("reading failed", err)
			return
		}
	}
}

func (t *selectorTransport) eof() {
	t.ended = true
	keepOpen := t.proto.EOFReceived()
	switch {
	case t.phase == mute:
		endNow(t, t.sendErr)
	case !keepOpen || t.way == receives:
		t.Close()
	}
}

// ReadNow reads bytes that have arrived into p, past the protocol. It returns 0 if there are none,
// or if the connection ends; the protocol learns the end as always. Package aiohttp uses it in
// tasks that read as long as there are bytes. This saves a copy and a pass of the loop for each
// buffer.
func (t *selectorTransport) ReadNow(p []byte) int {
	if !t.readable || t.phase != open || t.ended || len(p) == 0 {
		return 0
	}
	n, err := t.conn.TryRead(p)
	switch {
	case n > 0:
		t.bytesMoved()
	case err == ErrWouldBlock:
		t.readable = false
		return 0
	case err != nil && err != io.EOF:
		t.fatal("reading failed", err)
		return 0
	}
	if n > 0 && n < len(p) && !t.hungUp {
		t.readable = false
	}
	if t.canRead() {
		t.readSoon() // the rest, or the end
	}
	return n
}

// readSoon queues another turn of reading.
func (t *selectorTransport) readSoon() {
	if !t.readQueued {
		t.readQueued = true
		t.hub.loop.CallSoon(t.readNow)
	}
}

func (t *selectorTransport) readNow() {
	t.readQueued = false
	t.read()
}

func (t *selectorTransport) PauseReading() {
	t.hub.loop.MustBeHere("Transport.PauseReading")
	if t.phase <= mute {
		t.paused = true
	}
}

func (t *selectorTransport) ResumeReading() {
	t.hub.loop.MustBeHere("Transport.ResumeReading")
	if t.phase > mute || !t.paused {
		return
	}
	t.paused = false
	if t.canRead() {
		t.readSoon()
	}
}

func (t *selectorTransport) IsReading() bool {
	return t.phase <= mute && !t.paused && t.way != sends
}
