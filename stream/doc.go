// Package stream is the high-level network interface of aio: connections that tasks read from and write
// to. It stands for the streams of asyncio.
//
// [Open] connects and returns a [Reader] and a [Writer]; [Serve] accepts connections and runs a handler
// for each, in a task of its own:
//
//	server, err := stream.Serve(ctx, "tcp", "localhost:8888",
//		func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
//			for line, err := range r.Lines(ctx) {
//				if err != nil {
//					return err
//				}
//				w.Write(line)
//				if err := w.Drain(ctx); err != nil {
//					return err
//				}
//			}
//			return nil
//		})
//	if err != nil {
//		return err
//	}
//	return server.ServeForever(ctx)
//
// Network "unix" with a path as address makes the same of Unix sockets. The option [transport.TLS] secures a
// connection from the start, [Writer.StartTLS] one that is in use. [ReadPipe] and [WritePipe] make readers and
// writers of pipes and terminals, standard input among them.
//
// # Reading
//
// What arrives is buffered until a task reads it. The reads differ in where they stop: [Reader.Read] takes
// what is there, [Reader.ReadExactly] a number of bytes, [Reader.ReadLine], [Reader.Lines] and
// [Reader.ReadUntil] go up to a separator, [Reader.ReadFrame] takes a message with its length in front,
// [Reader.ReadAll] goes to the end of the stream. A reader has a limit
// ([Limit], 64 KiB): more bytes before a separator are an error, and twice as many in the buffer hold the
// peer back until they are read.
//
// # Writing
//
// [Writer.Write] never waits; it buffers what the network does not take at once. [Writer.Drain] waits while
// the buffer is too full: call it after each larger portion, or a slow peer fills the memory.
//
// # Ending
//
// The end of the peer's data is [io.EOF] for the reader; the other direction stays open, except with TLS.
// [Writer.Close] sends what is left and closes; [Writer.WaitClosed] waits for that. A connection that was
// lost gives its error to reads, drains and WaitClosed. With TLS, a connection that was cut is told apart
// from one that was closed in order: it ends with transport.ErrTruncated.
//
// # Cancellation
//
// Every wait ends when its task, or the block around it, is cancelled, and leaves nothing behind: a read
// takes its data when it returns and not before, so that a time-out around it loses none.
//
// All of this belongs to the goroutine of the loop, as everything in aio does.
package stream
