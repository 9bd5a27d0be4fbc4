// Package aiohttp brings net/http under the loop: a client whose waits are a task's waits, and
// handlers that run as tasks, so that what they share needs no lock. Python: aiohttp, httpx.
//
// # Asking
//
// A [Client] makes requests. Its zero value is ready; they share its connections, limits and
// cookies:
//
//	var c aiohttp.Client
//	defer c.Close()
//	user, err := aiohttp.GetJSON[User](ctx, &c, "https://example.org/users/1")
//
// [Client.Get], [Client.Post] and [Client.Do] return a [Response] as soon as its head is there.
// There are several ways to read its body. [Response.Bytes], [Response.Text] and [DecodeJSON] take
// all of it. [Response.Chunks] and [Response.Lines] yield it piece by piece as it arrives.
// [Response.Body] is an [io.Reader] for libraries, and [Response.CopyTo] writes it to a file.
// [Client.Upload] sends a body that a task produces. A response that is not read to its end has to
// be closed.
//
// Redirects are followed. At most [Client.Limit] requests are under way at a time, and at most
// [Client.PerHost] to one host. Requests that may succeed later are tried again as [Client.Retry]
// says. Every wait, also for a turn or a back-off, ends when the task or the block around it is
// cancelled, and leaves no connection behind.
//
// # Answering
//
// [OnLoop] makes a handler whose requests are tasks of a loop, for any server and router of
// net/http, and [Serve] runs a server with such handlers:
//
//	visits := 0
//	server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:8080", aiohttp.HandlerFunc(
//		func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
//			visits++ // one task at a time: no lock, no atomic
//			_, err := fmt.Fprintln(w, visits)
//			return err
//		}))
//	if err != nil {
//		return err
//	}
//	return server.ServeForever(ctx)
//
// A handler is cancelled when its client goes away. Reading the request's body and writing the
// response suspend the task instead of blocking. Other goroutines may use both, too; there they
// block.
//
// A server has limits for its clients, see [Serve]: no client can hold a connection for ever by
// sending nothing, or by not reading.
//
// # What must not run on the loop
//
// A handler that blocks stops every task. Wrap these in [OffLoop]:
//
//   - httputil.ReverseProxy, and other users of a client of net/http: they wait for the backend
//   - [http.FileServer] and [http.ServeFileFS]: they wait for the disk
//   - the handlers of net/http/pprof: a profile takes 30 seconds
//   - net/http/cgi, and ServeHTTP of grpc-go's server
//   - handlers that wait for a channel or a lock, and under OnLoop those that take the connection
//     over
//   - [http.TimeoutHandler], and other middleware that calls its handler on another goroutine and
//     waits. A [HandlerFunc], or an OnLoop, inside is a task again. In a handler [aio.Timeout] does
//     the same.
//
// The first four and TimeoutHandler are recognised if they are the handler, or if its http.ServeMux
// leads to them. Elsewhere net/http's client panics in a task, which answers 500 and logs the
// remedy. So does middleware that stops the loop while it waits for its handler. Only the watchdog
// of debug mode finds a handler that blocks in another way.
//
// # What runs where
//
// [Serve] speaks HTTP/1.1 on the loop, with and without TLS: a request is a task, and costs no
// goroutine. net/http speaks HTTP/2 on its goroutines, as it does under OnLoop. The client speaks
// HTTP/1.1 too: a request is made in the calling task, and a task of its own sends a large body.
// For a secure host that was not asked before, for HTTP/2, proxies, traces of net/http/httptrace
// and a Transport of the program the client uses net/http. There a request costs a goroutine while
// it waits for its head or for a piece of its body, and none in between. These goroutines do not
// count for aio.WithThreadLimiter: the limits of the client bound them, and slow servers do not
// stop ToThread. Under a virtual clock a request takes no time; see [Direct] for tests in which the
// server waits on the same clock.
package aiohttp
