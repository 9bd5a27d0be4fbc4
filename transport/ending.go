package transport

import "github.com/aio-go/aio"

// phase is where a transport, of streams or of datagrams, is in its life.
//
//	phase    entered by                            reads  sends  leaves to
//	fresh    creation                              no     yes    open (ConnectionMade), ending
//	open     ConnectionMade is called              yes    yes    mute, flushing, ending
//	mute     a write failed (streams only)         yes    no     ending, lost: see lastWords
//	flushing Close, with bytes left to send        no     rest   lost, ending (also when linger is over)
//	ending   Abort, failure, Close without bytes   no     no     lost: ConnectionLost is queued
//	lost     ConnectionLost is called              no     no     -
//
// A transport that leaves fresh for ending was never announced: its protocol hears nothing at all.
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

// mortal is a transport as the functions below see it, which are how every transport ends.
type mortal interface {
	stage() *phase
	lingering() *linger // how long it may flush
	Loop() *aio.Loop
	WriteBufferSize() int
	dropUnsent()              // forgets what is left to send
	connectionLost(err error) // tells the protocol, if that has heard of the connection
	release()                 // frees what the transport held
	report(what string, err error)
}

// closeAfterFlush ends t when what is left to send has gone out.
func closeAfterFlush(t mortal) {
	p := t.stage()
	switch {
	case *p > open:
	case *p == open && t.WriteBufferSize() > 0:
		*p = flushing
		t.lingering().watch(t, t.WriteBufferSize())
	default:
		endSoon(t, nil)
	}
}

// failWith ends t with err. A failure of the system is the protocol's business alone; anything else is a
// mistake in the program and reported as well.
func failWith(t mortal, what string, err error) {
	if !isSystemError(err) {
		t.report(what, err)
	}
	endSoon(t, err)
}

// endSoon drops what is left to send and queues ConnectionLost.
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
