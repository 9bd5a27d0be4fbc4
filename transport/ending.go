package transport

import "github.com/aio-go/aio"

// phase is a stage in the life of a transport, of streams or of datagrams.
//
//	phase    entered by                            reads  sends  leaves to
//	fresh    creation                              no     yes    open (ConnectionMade), ending
//	open     ConnectionMade is called              yes    yes    mute, flushing, ending
//	mute     a write failed (streams only)         yes    no     ending, lost: see lastWords
//	flushing Close, with bytes left to send        no     rest   lost, ending (also by linger)
//	ending   Abort, failure, Close without bytes   no     no     lost: ConnectionLost is queued
//	lost     ConnectionLost is called              no     no     -
//
// If a transport goes from fresh to ending, no method of its protocol is called.
type phase uint8

const (
	fresh phase = iota
	open
	mute
	flushing
	ending
	lost
)

func (p phase) String() string {
	switch {
	case p == lost:
		return "closed"
	case p > open:
		return "closing"
	}
	return "open"
}

// mortal is what the functions below need of a transport. Every transport ends through them.
type mortal interface {
	stage() *phase
	lingering() *linger // bounds the time of flushing
	Loop() *aio.Loop
	WriteBufferSize() int
	// why bytes that are not in the WriteBufferSize any more did not go out; ask it after that,
	// since another goroutine may be sending
	failure() error
	dropUnsent()              // drops the unsent bytes
	connectionLost(err error) // tells the protocol, if ConnectionMade was called
	release()                 // frees the transport's resources
	report(what string, err error)
}

// closeAfterFlush ends t when all its bytes have been sent.
func closeAfterFlush(t mortal) {
	p := t.stage()
	if *p > open {
		return
	}
	if n := t.WriteBufferSize(); n > 0 && *p == open {
		*p = flushing
		t.lingering().watch(t, n)
	} else if err := t.failure(); err != nil {
		failWith(t, "writing failed", err)
	} else {
		endSoon(t, nil)
	}
}

// failWith ends t with err. Only the protocol gets a failure of the system. Any other failure is a
// mistake in the program and is reported as well.
func failWith(t mortal, what string, err error) {
	if !isSystemError(err) {
		t.report(what, err)
	}
	endSoon(t, err)
}

// endSoon drops the unsent bytes and queues ConnectionLost.
func endSoon(t mortal, err error) {
	p := t.stage()
	if *p >= ending {
		return
	}
	*p = ending
	t.lingering().stop()
	t.dropUnsent()
	t.Loop().CallSoon(func() { endNow(t, err) })
}

// endNow is the last step: it tells the protocol and frees everything.
func endNow(t mortal, err error) {
	p := t.stage()
	if *p == lost {
		return
	}
	*p = lost
	t.lingering().stop()
	t.dropUnsent()
	defer t.release()
	t.connectionLost(err)
}
