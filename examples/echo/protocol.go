package main

import (
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/transport"
)

// echoer serves one connection with callbacks: it never waits. If a client sends and does not read,
// one direction is paused while the other is full.
type echoer struct {
	transport.BaseProtocol
	transport transport.Transport
	st        *statistics
	refused   bool             // there are too many connections already
	last      time.Time        // when something came, or was taken
	watch     *aio.TimerHandle // looks at that now and then
}

// ConnectionMade is the first call.
func (e *echoer) ConnectionMade(t transport.Transport) {
	e.transport = t
	if e.refused = !e.st.limits.Enter(); e.refused {
		t.Abort()
		return
	}
	e.st.enter()
	e.last = t.Loop().Time()
	e.look()
}

// look aborts the connection if nothing has happened for too long, or looks again when that may be
// so.
func (e *echoer) look() {
	loop := e.transport.Loop()
	left := e.st.limits.Idle - loop.Time().Sub(e.last)
	if left <= 0 {
		e.transport.Abort()
		return
	}
	e.watch = loop.CallLater(left, e.look)
}

// DataReceived gets what arrives, and sends it back.
func (e *echoer) DataReceived(p []byte) {
	e.last = e.transport.Loop().Time()
	e.st.bytes += int64(len(p))
	e.transport.Write(p)
}

// PauseWriting says that the client does not take the bytes.
func (e *echoer) PauseWriting() { e.transport.PauseReading() }

// ResumeWriting says that it does again.
func (e *echoer) ResumeWriting() {
	e.last = e.transport.Loop().Time()
	e.transport.ResumeReading()
}

// ConnectionLost is the last call.
func (e *echoer) ConnectionLost(error) {
	if e.refused {
		return
	}
	e.watch.Cancel()
	e.st.limits.Leave()
	e.st.leave()
}
