package main

import "github.com/aio-go/aio/transport"

// echoer serves one connection with callbacks: nothing of it ever waits. One who sends and does not read
// is held back by pausing one direction while the other is full.
type echoer struct {
	transport.BaseProtocol
	transport transport.Transport
	st        *statistics
}

// ConnectionMade is the first call.
func (e *echoer) ConnectionMade(t transport.Transport) {
	e.transport = t
	e.st.enter()
}

// DataReceived gets what arrives, and sends it back.
func (e *echoer) DataReceived(p []byte) {
	e.st.bytes += int64(len(p))
	e.transport.Write(p)
}

// PauseWriting says that the other side does not take what is written.
func (e *echoer) PauseWriting() { e.transport.PauseReading() }

// ResumeWriting says that it does again.
func (e *echoer) ResumeWriting() { e.transport.ResumeReading() }

// ConnectionLost is the last call.
func (e *echoer) ConnectionLost(error) { e.st.leave() }
