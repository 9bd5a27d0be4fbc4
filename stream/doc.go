// Package stream is the high-level network interface of aio: connections that tasks read from and
// write to.
//
// [Open] connects and returns a [Reader] and a [Writer]. [Serve] accepts connections and runs a
// handler for each, in a task of its own:
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
// Network "unix" with a path as address does the same with Unix sockets. The option [transport.TLS]
// secures a connection from the start, [Writer.StartTLS] one that is in use. [ReadPipe] and
// [WritePipe] make readers and writers of pipes and terminals, such as standard input.
//
// Everything belongs to the goroutine of the loop, unless its documentation says otherwise. A
// function whose documentation has a paragraph "Cancellation:" suspends the calling task.
// asyncio: the streams.
//
// # Reading
//
// Received bytes are buffered until a task reads them. The reads differ in where they stop.
// [Reader.Read] takes the bytes that are there, [Reader.ReadExactly] a number of bytes.
// [Reader.ReadLine], [Reader.Lines] and [Reader.ReadUntil] go up to a separator. [Reader.ReadFrame]
// takes a message with its length in front, and [Reader.ReadAll] goes to the end of the stream. A
// reader has a limit ([Limit], 64 KiB). More bytes before a separator are an error. When twice as
// many bytes are buffered, the peer has to wait until they are read.
//
// # Writing
//
// [Writer.Write] never waits; it buffers the bytes that the network does not take at once.
// [Writer.Drain] waits while the buffer is too full. Call it after each larger portion, or a slow
// peer fills the memory.
//
// # Ending
//
// At the end of the peer's data a read returns [io.EOF], and so does a read after this side has
// closed the connection: [Writer.IsClosing] tells the two apart.
//
// The other direction stays open, except with TLS. [Writer.Close] sends the buffered bytes and
// closes the connection; [Writer.WaitClosed] waits for that. If a connection was lost, reads,
// drains and WaitClosed return its error. A TLS connection that was cut, and not closed in order,
// ends with transport.ErrTruncated.
//
// # Cancellation
//
// Every wait ends when its task, or the block around it, is cancelled, and leaves nothing behind. A
// read takes its data only when it returns, so a time-out around it loses none.
package stream
