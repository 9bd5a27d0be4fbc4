// Package transport is the low-level half of networking: connections as callbacks, like asyncio's
// transports and protocols. Most programs are better served by package stream, which is built on
// it. Use this package to write a protocol of your own, or for the last bit of speed.
//
// # The two sides of a connection
//
// The program implements a [Protocol]: its methods are called as things happen on one connection.
// This package implements [Transport]: the protocol writes to it, paces it and closes it. Neither
// side ever suspends.
//
//	type echo struct {
//		transport.BaseProtocol
//		t transport.Transport
//	}
//
//	func (e *echo) ConnectionMade(t transport.Transport) { e.t = t }
//	func (e *echo) DataReceived(p []byte)                { e.t.Write(p) }
//
// [Listen] serves such protocols and [Connect] connects one; [Adopt] and [AdoptListener] take over
// connections and listeners of package net. The option [TLS] secures a new connection, [StartTLS]
// one that is in use.
//
// [ConnectReadPipe] and [ConnectWritePipe] do the same for pipes, terminals and other descriptors
// that a poller can watch.
//
// [Endpoint] opens a UDP socket for a [DatagramProtocol], which gets a [DatagramTransport].
//
// # Where to call it
//
// Functions and methods belong to the loop's goroutine, unless they say otherwise. One whose
// documentation has a paragraph "Cancellation:" suspends the calling task, and panics if it is not
// called in a task of the loop.
//
// # Pacing
//
// A transport buffers the bytes that the socket does not take. A protocol with the methods of
// [FlowControl] learns when the buffer exceeds its high limit and when it falls to the low one. A
// protocol that writes more than its peer reads must obey, or the buffer grows without bound. In
// the other direction, PauseReading makes the peer wait.
//
// # Networks
//
// Every connection goes through the [Network] of the context. [Native] makes sockets and watches
// them with the loop's own poller. [Portable] uses package net and goroutines and works everywhere.
// [Memory] is for tests: it needs neither the system nor real time. World of package aiotest
// simulates several hosts, and what goes wrong between them.
//
// # Errors
//
// Functions return a [*net.OpError] or one of this package's types. errors.Is finds
// syscall.ECONNREFUSED, net.ErrClosed and so on. Failures of an established connection reach its
// protocol in ConnectionLost. Mistakes of the program, such as a protocol that panics, go to the
// loop's exception handler as well. Misuse of this package panics.
package transport
