// Package wire has what protocols of this module need of a connection besides [net.Conn]. The
// connections of stream.NetConn and those that a handler of aiohttp takes over have these methods.
package wire

import "context"

// Conn is a connection for tasks of its loop. No other goroutine may use these methods.
type Conn interface {
	// ReadTask is Read for a task. One task reads at a time.
	//
	// Cancellation: nothing is taken.
	ReadTask(ctx context.Context, p []byte) (int, error)
	// Send sends or buffers all of p, or nothing if the connection is lost. It never waits.
	Send(p []byte) error
	// Drain waits while too many bytes are buffered.
	//
	// Cancellation: buffered bytes are still sent.
	Drain(ctx context.Context) error
	// Buffered returns the number of bytes that the system has not taken yet.
	Buffered() int
	// CloseWrite ends the sending half after the buffered bytes, where that is possible.
	CloseWrite() error
	// Abort drops the connection.
	Abort()
}
