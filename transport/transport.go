package transport

import (
	"crypto/tls"
	"net"

	"github.com/aio-go/aio"
)

// Transport is one established connection as its [Protocol] sees it: it sends, it paces, it closes.
// It never suspends anybody. What the peer sends goes to the protocol, as calls.
//
// Every method belongs to the loop's goroutine; other goroutines reach a transport through
// [aio.Loop.CallSoonThreadsafe].
//
// It stands for asyncio.Transport.
type Transport interface {
	// Write sends p. What the socket takes goes out at once, the rest is copied and follows as the
	// socket becomes writable, so the caller may use p again when Write returns. Nothing is reported
	// here: a failure ends the connection and reaches the protocol's ConnectionLost.
	// On a transport that is closing or lost the data is dropped. Write after WriteEOF panics.
	Write(p []byte)

	// WriteEOF closes the sending half once everything written before has gone out; receiving goes
	// on. Calling it again, or on a closing transport, does nothing.
	WriteEOF()

	// CanWriteEOF reports whether the sending half can be closed alone. TLS cannot.
	CanWriteEOF() bool

	// Close sends what is buffered, stops receiving, and then ends the connection: ConnectionLost(nil)
	// follows through the loop, never inside Close. A second Close does nothing.
	Close()

	// Abort drops what is buffered and ends the connection: ConnectionLost(nil) follows through the loop.
	Abort()

	// IsClosing reports whether the transport is closing or has been closed or lost.
	IsClosing() bool

	// PauseReading stops the calls of DataReceived until ResumeReading. The kernel's buffer then fills
	// and the peer is held back. Each of the two may be repeated without effect.
	PauseReading()
	// ResumeReading takes PauseReading back. Data that waits is delivered through the loop, not inside
	// the call. On a closing transport it does nothing.
	ResumeReading()
	// IsReading reports whether the transport receives: neither paused nor closing.
	IsReading() bool

	// SetWriteBufferLimits sets the number of buffered bytes above which the protocol is asked to
	// pause writing and the number down to which the buffer must fall before it may resume.
	// [DefaultLimit] for one derives it from the other (low is a quarter of high); for both it restores
	// the default of 64 KiB and 16 KiB. It fails, and changes nothing, unless high >= low >= 0.
	SetWriteBufferLimits(high, low int) error
	// WriteBufferLimits returns the limits in force, in bytes.
	WriteBufferLimits() (high, low int)
	// WriteBufferSize returns the number of bytes written but not yet taken by the kernel.
	WriteBufferSize() int

	// SetProtocol makes p the receiver of everything from now on; p's ConnectionMade is not called.
	// It panics if p is nil.
	SetProtocol(p Protocol)
	// Protocol returns the current protocol, nil after the connection was lost.
	Protocol() Protocol

	// LocalAddr returns the address of this end; it stays available after the connection ended.
	LocalAddr() net.Addr
	// RemoteAddr returns the address of the peer; it stays available after the connection ended.
	RemoteAddr() net.Addr

	// TLSConnectionState returns what the handshake negotiated; false if the transport is not secured.
	TLSConnectionState() (tls.ConnectionState, bool)

	// Loop returns the loop the transport belongs to.
	Loop() *aio.Loop
}

// DefaultLimit, given to [Transport.SetWriteBufferLimits], stands for "derive this limit". It is
// asyncio's None.
const DefaultLimit = -1

const (
	defaultHigh = 64 << 10 // bytes buffered above which writing is paused
	defaultLow  = 16 << 10 // bytes buffered at which writing resumes
)

// Protocol receives the events of one connection, as ordinary callbacks of the loop. A callback must
// not await; it may start tasks. Exactly one ConnectionMade comes first, exactly one ConnectionLost
// last. A panic in DataReceived, EOFReceived or ConnectionMade ends the connection: it is reported to
// the loop's exception handler and handed to ConnectionLost as an [*aio.PanicError].
//
// Embed [BaseProtocol] to write only the methods of interest. A protocol that has the methods of
// [FlowControl] or [BufferedProtocol] as well gets those calls too.
//
// It stands for asyncio.Protocol.
type Protocol interface {
	// ConnectionMade hands over the transport, before anything is received.
	ConnectionMade(t Transport)
	// DataReceived delivers what arrived. p is valid only during the call.
	DataReceived(p []byte)
	// EOFReceived says that the peer will send no more. If it returns false the transport closes
	// itself; if true it stays open for writing and the protocol closes it.
	EOFReceived() (keepOpen bool)
	// ConnectionLost is the last call: nil after Close, Abort or an end of file that was not kept
	// open, otherwise the error that ended the connection.
	ConnectionLost(err error)
}

// FlowControl is implemented by protocols that want to know how full the write buffer is.
// The calls come in pairs, PauseWriting first.
type FlowControl interface {
	// PauseWriting says that the buffer went over its high limit. It is called inside Write.
	PauseWriting()
	// ResumeWriting says that the buffer fell to its low limit.
	ResumeWriting()
}

// BufferedProtocol is implemented by protocols that receive into a buffer of their own. They get
// GetBuffer and BufferUpdated in place of DataReceived. It stands for asyncio.BufferedProtocol.
type BufferedProtocol interface {
	Protocol
	// GetBuffer returns where to put what arrives next; hint is a size that would be convenient, or
	// -1 if there is none. An empty buffer is an error that ends the connection.
	GetBuffer(hint int) []byte
	// BufferUpdated says that n bytes were stored at the start of the last buffer.
	BufferUpdated(n int)
}

// BaseProtocol is a protocol whose callbacks do nothing, to be embedded. It stands for
// asyncio.BaseProtocol and the defaults of asyncio.Protocol.
type BaseProtocol struct{}

// ConnectionMade does nothing.
func (BaseProtocol) ConnectionMade(Transport) {}

// DataReceived does nothing.
func (BaseProtocol) DataReceived([]byte) {}

// EOFReceived returns false: the transport closes itself.
func (BaseProtocol) EOFReceived() bool { return false }

// ConnectionLost does nothing.
func (BaseProtocol) ConnectionLost(error) {}

// PauseWriting does nothing.
func (BaseProtocol) PauseWriting() {}

// ResumeWriting does nothing.
func (BaseProtocol) ResumeWriting() {}

// WriteLines writes the chunks in order, as one piece. It stands for Transport.writelines of asyncio.
func WriteLines(t Transport, chunks ...[]byte) {
	n := 0
	for _, c := range chunks {
		n += len(c)
	}
	if n == 0 {
		return
	}
	all := make([]byte, 0, n)
	for _, c := range chunks {
		all = append(all, c...)
	}
	t.Write(all)
}
