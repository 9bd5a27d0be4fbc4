package transport

import (
	"crypto/tls"
	"net"

	"github.com/aio-go/aio"
)

// Transport is one established connection as its [Protocol] sees it: it sends, it paces, it closes.
// No method suspends. The bytes of the peer go to the protocol, as calls.
//
// Other goroutines reach a transport through [aio.Loop.CallSoonThreadsafe]. asyncio: Transport.
type Transport interface {
	// Write sends p. The bytes that the socket does not take at once are copied and follow when it
	// is writable; the caller may use p again when Write returns. Write returns no error: a failure
	// ends the connection and reaches the protocol's ConnectionLost. On a transport that is closing
	// or lost the bytes are dropped. Write after WriteEOF panics.
	Write(p []byte)

	// WriteEOF closes the sending half after everything written before has been sent; receiving
	// goes on. A second call, or a call on a closing transport, does nothing.
	WriteEOF()

	// CanWriteEOF reports whether the sending half can be closed alone. TLS cannot.
	CanWriteEOF() bool

	// Close stops receiving, sends the buffered bytes and then ends the connection.
	// ConnectionLost(nil) is called by the loop, never inside Close. A second Close does nothing.
	Close()

	// Abort drops the buffered bytes and ends the connection. ConnectionLost(nil) is called by the
	// loop.
	Abort()

	// IsClosing reports whether the transport is closing or has been closed or lost.
	IsClosing() bool

	// PauseReading stops the calls of DataReceived until ResumeReading. The kernel's buffer then
	// fills, and the peer has to wait. A second call in a row does nothing.
	PauseReading()
	// ResumeReading undoes PauseReading. The loop delivers waiting data, not the call itself. On a
	// closing transport it does nothing.
	ResumeReading()
	// IsReading reports whether the transport receives: neither paused nor closing.
	IsReading() bool

	// SetWriteBufferLimits sets two numbers of bytes. Above high the protocol is asked to pause
	// writing; when the buffer has fallen to low it may resume. [DefaultLimit] for one derives it
	// from the other: low is a quarter of high. [DefaultLimit] for both restores the default of 64
	// KiB and 16 KiB. It fails, and changes nothing, unless high >= low >= 0.
	SetWriteBufferLimits(high, low int) error
	// WriteBufferLimits returns the limits in force, in bytes.
	WriteBufferLimits() (high, low int)
	// WriteBufferSize returns the number of bytes written but not yet taken by the kernel.
	WriteBufferSize() int

	// SetProtocol makes p the receiver of all further events. p's ConnectionMade is not called. It
	// panics if p is nil.
	SetProtocol(p Protocol)
	// Protocol returns the current protocol, nil after the connection was lost.
	Protocol() Protocol

	// LocalAddr returns the address of this end; it stays available after the connection ended.
	LocalAddr() net.Addr
	// RemoteAddr returns the address of the peer; it stays available after the connection ended.
	RemoteAddr() net.Addr

	// TLSConnectionState returns the result of the handshake, or false if the transport is not
	// secured.
	TLSConnectionState() (tls.ConnectionState, bool)

	// Loop returns the loop the transport belongs to.
	Loop() *aio.Loop
}

// DefaultLimit in [Transport.SetWriteBufferLimits] derives a limit from the other one.
// asyncio: None.
const DefaultLimit = -1

const (
	defaultHigh = 64 << 10 // bytes buffered above which writing is paused
	defaultLow  = 16 << 10 // bytes buffered at which writing resumes
)

// Protocol receives the events of one connection as callbacks of the loop. A callback must not
// await; it may start tasks. ConnectionMade is called first, and ConnectionLost last; both are
// called once. A panic in DataReceived, EOFReceived or ConnectionMade ends the connection. The
// panic is reported to the loop's exception handler and passed to ConnectionLost as an
// [*aio.PanicError].
//
// Embed [BaseProtocol] to write only the methods of interest. A protocol with the methods of
// [FlowControl] or [BufferedProtocol] gets those calls too. asyncio: Protocol.
type Protocol interface {
	// ConnectionMade passes the transport, before anything is received.
	ConnectionMade(t Transport)
	// DataReceived delivers received bytes. p is valid only during the call.
	DataReceived(p []byte)
	// EOFReceived says that the peer will send no more. If it returns false, the transport closes
	// itself. If true, it stays open for writing and the protocol closes it.
	EOFReceived() (keepOpen bool)
	// ConnectionLost is the last call. err is nil after Close, Abort or an end of file that was not
	// kept open, otherwise the error that ended the connection.
	ConnectionLost(err error)
}

// FlowControl is implemented by protocols that obey the limits of the write buffer. The calls come
// in pairs, PauseWriting first.
type FlowControl interface {
	// PauseWriting says that the buffer has exceeded its high limit. It is called inside Write.
	PauseWriting()
	// ResumeWriting says that the buffer has fallen to its low limit.
	ResumeWriting()
}

// BufferedProtocol is implemented by protocols that receive into a buffer of their own. They get
// GetBuffer and BufferUpdated in place of DataReceived. asyncio: BufferedProtocol.
type BufferedProtocol interface {
	Protocol
	// GetBuffer returns the buffer for the next bytes. hint is a convenient size, or -1 if there is
	// none. An empty buffer is an error that ends the connection.
	GetBuffer(hint int) []byte
	// BufferUpdated says that n bytes were stored at the start of the last buffer.
	BufferUpdated(n int)
}

// BaseProtocol is a protocol whose callbacks do nothing, to be embedded. asyncio: BaseProtocol and
// the defaults of Protocol.
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

// WriteLines writes the chunks in order, as one piece. asyncio: writelines.
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
