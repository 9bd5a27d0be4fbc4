package transport

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"runtime/debug"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/internal/errtree"
)

// tlsState is the state of a secured transport.
//
//	state          | crypto/tls          | application protocol      | left by
//	tlsHandshaking | in HandshakeContext | no call yet (*)           | success: tlsOpen; failure,
//	               |                     |                           | Close, Abort: tlsLost
//	tlsOpen        | both directions     | gets all events           | Close, peer gone: tlsClosing;
//	               |                     |                           | failure, Abort: tlsFailed
//	tlsClosing     | close_notify is out | no call until lost        | peer's end or loss, time-out:
//	               |                     |                           | tlsFailed or tlsLost
//	tlsFailed      | not called any more | no call until lost        | ConnectionLost of the raw
//	               |                     |                           | transport: tlsLost
//	tlsLost        | not called any more | ConnectionLost was called | -
//
// (*) With StartTLS the protocol knows the raw transport, and gets ConnectionLost even if the
// handshake fails.
type tlsState uint8

const (
	tlsHandshaking tlsState = iota
	tlsOpen
	tlsClosing
	tlsFailed
	tlsLost
)

// tlsTransport is the transport that a protocol gets on a secured connection. It sits on the raw
// transport, whose protocol is tlsProtocol. It may sit on another tlsTransport.
//
// No call into crypto/tls waits (see memoryBIO), apart from the handshake, which runs in a task of
// its own or in the task that connects.
type tlsTransport struct {
	loop   *aio.Loop
	server *Server // the server that accepted the connection, or nil
	raw    Transport
	app    Protocol
	conn   *tls.Conn
	bio    memoryBIO

	state    tlsState
	answers  bool // is the server of the handshake
	upgrade  bool // made by StartTLS: app had its ConnectionMade already
	busy     bool // receive is running: records to be sent are collected
	paused   bool // by PauseReading
	full     bool // the raw transport asked to pause writing
	heard    bool // the peer has begun with the handshake
	ended    bool // the peer's close_notify was received
	rawMade  bool // ConnectionMade of the raw transport has come
	rawLost  bool // ConnectionLost of the raw transport has come
	flooded  bool // reading was paused because the handshake did not keep up
	behind   bool // the rest of what was received is for the next pass
	queued   bool // receive is in the ready queue
	choked   bool // decrypting waits until the peer has taken the answers it asked for
	severed  bool // the peer ended without close_notify; open only for the unsent bytes
	ending   bool // whether there is something left to send is to be decided
	retiring bool // Close has been passed on to the raw transport
	quiet    bool // closing, and the kernel has taken all data: a loss of the rest is no error

	chains   [][]*x509.Certificate // see tls_verify.go
	held     []byte                // decrypted, but reading was paused before app took it
	failure  error                 // why this side ends the connection; nil if in order
	lostErr  error                 // the error of the raw transport's ConnectionLost
	turns    *turnstile
	waiter   aio.Waiter // the suspended handshake, which waits for the peer
	inLine   aio.Waiter // the same handshake, which waits for its turn
	timer    *aio.TimerHandle
	file     *fileJob // the file being sent, or nil
	owed     int      // bytes of crypto/tls's answers since the raw write buffer was empty
	unsent   int      // raw write buffer when the shutdown timer was set, plus bytes added since
	patience struct{ handshake, shutdown time.Duration }
}

// Write encrypts p and sends it.
func (t *tlsTransport) Write(p []byte) {
	t.loop.MustBeHere("Transport.Write")
	if t.file != nil && t.state == tlsOpen {
		panic("transport: Transport.Write: a file is being sent; wait until Sendfile has returned")
	}
	t.writeFile(p)
}

// writeFile is Write, also while a file is sent.
func (t *tlsTransport) writeFile(p []byte) {
	if t.state != tlsOpen {
		return
	}
	for len(p) > 0 {
		piece := p[:min(len(p), flushSize)]
		p = p[len(piece):]
		if _, err := t.conn.Write(piece); err != nil {
			// Only after an alert that this side sent because of the peer: receive saw the error as
			// well.
			t.fail(err)
			return
		}
		if !t.busy || t.bio.pending() >= flushSize {
			t.flush()
		}
		if t.state != tlsOpen { // the protocol closed it in PauseWriting
			return
		}
	}
}

// flush hands the collected records to the raw transport.
func (t *tlsTransport) flush() {
	t.unsent += t.bio.pending()
	t.bio.drain(t.raw.Write)
}

// WriteEOF panics.
func (t *tlsTransport) WriteEOF() {
	panic("transport: WriteEOF: TLS cannot end the sending half alone; " +
		"ask CanWriteEOF first, or Close")
}

// CanWriteEOF returns false.
func (t *tlsTransport) CanWriteEOF() bool { return false }

// Close sends the buffered bytes and a close_notify, waits for the peer's, and closes the raw
// transport.
func (t *tlsTransport) Close() {
	t.loop.MustBeHere("Transport.Close")
	switch t.state {
	case tlsHandshaking:
		t.giveUp(errClosedInHandshake)
		return
	case tlsOpen:
	default:
		return
	}
	t.state = tlsClosing
	t.file.changed()
	t.held = nil
	clear, sent := t.WriteBufferSize() == 0, t.WriteError() == nil
	t.conn.CloseWrite() // into the BIO, which takes everything
	t.flush()
	t.quiet = sent && (clear || t.raw.WriteBufferSize() == 0 && !t.raw.IsClosing())
	t.watchShutdown()
	if t.ended {
		t.retire()
		return
	}
	// The answer may be here already, behind data that is no longer needed.
	t.paused = false
	t.pace()
	if !t.busy {
		t.receiveSoon()
	}
}

// retire closes the raw transport when TLS has nothing left to send.
func (t *tlsTransport) retire() {
	if !t.retiring {
		t.retiring = true
		t.raw.Close()
	}
}

// Abort drops the connection.
func (t *tlsTransport) Abort() {
	t.loop.MustBeHere("Transport.Abort")
	switch t.state {
	case tlsHandshaking:
		t.giveUp(errClosedInHandshake)
	case tlsOpen, tlsClosing:
		t.state = tlsFailed
		t.file.changed()
		t.raw.Abort()
	case tlsFailed:
		t.raw.Abort()
	}
}

// fail ends an established connection because of err. An alert for the peer goes out if the socket
// takes it at once.
func (t *tlsTransport) fail(err error) {
	if t.state != tlsOpen && t.state != tlsClosing {
		return
	}
	t.state = tlsFailed
	t.failure = err
	t.file.lost(err)
	t.held = nil
	t.flush()
	if t.raw.WriteBufferSize() == 0 {
		t.raw.Close()
	} else {
		t.raw.Abort()
	}
}

// watchShutdown aborts the connection when the shutdown makes no progress.
func (t *tlsTransport) watchShutdown() {
	t.stopTimer()
	t.unsent = t.raw.WriteBufferSize()
	t.timer = t.loop.CallLater(t.patience.shutdown, func() {
		if progress(t.unsent, t.raw.WriteBufferSize(), t.patience.shutdown) { // slow, but not stuck
			t.watchShutdown()
			return
		}
		if t.state == tlsClosing {
			t.failure = &ShutdownTimeoutError{After: t.patience.shutdown}
			t.state = tlsFailed
		}
		t.raw.Abort()
	})
}

func (t *tlsTransport) stopTimer() {
	if t.timer != nil {
		t.timer.Cancel()
		t.timer = nil
	}
}

func (t *tlsTransport) beginFile(j *fileJob) {
	if t.file != nil {
		panic("transport: Sendfile: another file is being sent; " +
			"wait until that Sendfile has returned")
	}
	t.file = j
	if f, ok := t.app.(FlowControl); ok && !t.full {
		f.PauseWriting()
	}
}

func (t *tlsTransport) endFile() {
	t.file = nil
	if f, ok := t.app.(FlowControl); ok && !t.full && t.hears() {
		f.ResumeWriting()
	}
	t.endCut()
}

func (t *tlsTransport) roomForFile() bool { return !t.full }

// fileSender returns nil: the kernel cannot encrypt.
func (t *tlsTransport) fileSender() trySend { return nil }

// IsClosing reports whether the connection is closing or gone.
func (t *tlsTransport) IsClosing() bool { return t.state > tlsOpen || t.raw.IsClosing() }

// PauseReading stops deliveries. The raw transport stops too, so that the peer has to wait.
func (t *tlsTransport) PauseReading() {
	t.loop.MustBeHere("Transport.PauseReading")
	if t.state > tlsOpen || t.paused {
		return
	}
	t.paused = true
	if t.state == tlsOpen {
		t.pace()
	}
}

// ResumeReading takes PauseReading back.
func (t *tlsTransport) ResumeReading() {
	t.loop.MustBeHere("Transport.ResumeReading")
	if t.state > tlsOpen || !t.paused {
		return
	}
	t.paused = false
	if t.state == tlsOpen {
		t.behind = t.behind || len(t.bio.in) > 0 // no more may come before these are delivered
		t.pace()
		t.receiveSoon() // records that are here already
	}
}

// HasMore reports whether bytes have arrived that the protocol has not got. If it returns true the
// connection can only be closed: it may have taken some of them away.
func (t *tlsTransport) HasMore() bool {
	if t.busy || len(t.held) > 0 || len(t.bio.in) > 0 || t.behind || t.state != tlsOpen {
		return true
	}
	var one [1]byte
	if n, err := t.conn.Read(one[:]); n > 0 || !errtree.Is(err, errWouldBlock) {
		return true // crypto/tls had a record
	}
	raw, ok := t.raw.(interface{ ReadNow([]byte) int })
	return ok && raw.ReadNow(one[:]) > 0
}

// IsReading reports whether deliveries happen.
func (t *tlsTransport) IsReading() bool { return !t.paused && !t.IsClosing() }

// SetWriteBufferLimits sets the limits of the raw transport's buffer: they count encrypted bytes.
func (t *tlsTransport) SetWriteBufferLimits(high, low int) error {
	return t.raw.SetWriteBufferLimits(high, low)
}

// WriteBufferLimits returns the limits of the raw transport's buffer.
func (t *tlsTransport) WriteBufferLimits() (high, low int) { return t.raw.WriteBufferLimits() }

// WriteBufferSize returns the number of encrypted bytes not yet taken by the kernel.
func (t *tlsTransport) WriteBufferSize() int { return t.raw.WriteBufferSize() + t.bio.pending() }

// SetProtocol makes p the receiver of all further events.
func (t *tlsTransport) SetProtocol(p Protocol) {
	t.loop.MustBeHere("Transport.SetProtocol")
	if p == nil {
		panic("transport: SetProtocol: the protocol is nil; " +
			"pass one that ignores what it gets, such as BaseProtocol")
	}
	if t.state != tlsLost {
		t.app = p
	}
}

// Protocol returns the application protocol.
func (t *tlsTransport) Protocol() Protocol { return t.app }

// LocalAddr returns the address of this end.
func (t *tlsTransport) LocalAddr() net.Addr { return t.raw.LocalAddr() }

// RemoteAddr returns the address of the peer.
func (t *tlsTransport) RemoteAddr() net.Addr { return t.raw.RemoteAddr() }

// TLSConnectionState returns the result of the handshake once it is over. During the handshake
// crypto/tls is not asked, because it would wait and block the goroutine of the loop.
func (t *tlsTransport) TLSConnectionState() (tls.ConnectionState, bool) {
	if t.state == tlsHandshaking || t.conn == nil {
		return tls.ConnectionState{}, false
	}
	state := t.conn.ConnectionState()
	if t.chains != nil {
		state.VerifiedChains = t.chains
	}
	return state, true
}

// Loop returns the loop.
func (t *tlsTransport) Loop() *aio.Loop { return t.loop }

// String describes the transport for logs and dumps.
func (t *tlsTransport) String() string {
	names := [...]string{"handshaking", "open", "closing", "failed", "lost"}
	return fmt.Sprintf("TLS %v -> %v %s", t.LocalAddr(), t.RemoteAddr(), names[t.state])
}

// guard runs calls of the protocol that the raw transport does not make itself. A panic of the
// application ends the connection, as it would there.
func (t *tlsTransport) guard(message string, fn func()) {
	defer func() {
		if v := recover(); v != nil {
			err := &aio.PanicError{Value: v, Stack: debug.Stack()}
			t.loop.CallExceptionHandler(aio.Report{Message: message, Err: err})
			t.fail(err)
		}
	}()
	fn()
}
