// Package transport is the low-level half of networking: connections as callbacks, the way of asyncio's
// transports and protocols. Applications are better served by package stream, which is built on it;
// this package is for those who write a protocol of their own, or need the last bit of speed.
//
// # The two sides of a connection
//
// A [Protocol] is yours: its methods are called as things happen on one connection. A [Transport] is
// ours: the protocol writes to it, paces it and closes it. Neither side ever suspends.
//
//	type echo struct {
//		transport.BaseProtocol
//		t transport.Transport
//	}
//
//	func (e *echo) ConnectionMade(t transport.Transport) { e.t = t }
//	func (e *echo) DataReceived(p []byte)                { e.t.Write(p) }
//
// [Listen] serves such protocols and [Connect] connects one; [Adopt] and [AdoptListener] take over what
// package net has made. The option [TLS] secures a connection, [StartTLS] one that is in use already.
//
// [ConnectReadPipe] and [ConnectWritePipe] do the same for pipes, terminals and what else can be waited for.
//
// [Endpoint] opens a UDP socket for a [DatagramProtocol], which gets a [DatagramTransport].
//
// # Pacing
//
// What the socket does not take is buffered. A protocol with the methods of [FlowControl] is told when
// the buffer has passed its high limit and when it has fallen to the low one; one that writes more than
// its peer reads must heed that, or memory is the limit. In the other direction PauseReading lets the
// peer wait.
//
// # Networks
//
// Everything goes through a [Network], found in the context. [Native] makes sockets and watches them
// with the loop's own poller; [Portable] uses package net and goroutines and works everywhere; a test
// can bring one that is simulated.
//
// # Errors
//
// Functions return a [*net.OpError] or one of this package's types, which errors.Is can tell:
// syscall.ECONNREFUSED, net.ErrClosed and so on. Once a connection stands, failures reach its protocol
// in ConnectionLost. Mistakes of the program, such as a protocol that panics, go to the loop's exception
// handler as well. Misuse of this package panics.
package transport
