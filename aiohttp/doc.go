// Package aiohttp brings net/http under the loop: a client whose waits are a task's waits, and
// handlers that run as tasks, so that what they share needs no lock. It stands for aiohttp and
// httpx of Python's world.
//
// # Asking
//
// A [Client] makes requests. Its zero value is ready; it has connections, limits and cookies in
// common for all of them:
//
//	var c aiohttp.Client
//	defer c.Close()
//	user, err := aiohttp.GetJSON[User](ctx, &c, "https://example.org/users/1")
//
// [Client.Get], [Client.Post] and [Client.Do] return a [Response] as soon as its head is there. Its
// body is then read in the way that fits: [Response.Bytes], [Response.Text] and [DecodeJSON] take
// all of it, [Response.Chunks] and [Response.Lines] give it piece by piece as it comes,
// [Response.Body] is an [io.Reader] for libraries that want one, [Response.CopyTo] sends it to a
// file. [Client.Upload] sends what a task produces. A response that is not read to its end has to
// be closed.
//
// Redirects are followed, at most [Client.Limit] requests are under way at a time and at most
// [Client.PerHost] to one host, and what may work a moment later is tried again as [Client.Retry]
// says. Everything that is waited for, turns and back-off included, ends when the task or the block
// around it is cancelled, and leaves no connection behind.
//
// # Answering
//
// [OnLoop] makes a handler whose requests are tasks of a loop, for any server and router of
// net/http, and [Serve] is a server of such:
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
// response suspend the task where they would block. Both may be handed to other goroutines, where
// they block.
//
// A server has limits for its clients, see [Serve]: nobody can hold a connection for ever by saying
// nothing, or by not listening.
//
// # What must not run on the loop
//
// A handler that blocks holds up every task. These do, and [OffLoop] is for them:
//
//   - httputil.ReverseProxy, and what else uses a client of net/http: it waits for the backend
//   - [http.FileServer] and [http.ServeFileFS]: they wait for the disk
//   - the handlers of net/http/pprof: a profile takes 30 seconds
//   - net/http/cgi, and ServeHTTP of grpc-go's server
//   - handlers that wait for a channel or a lock, and under OnLoop those that take over the connection
//   - [http.TimeoutHandler], and other middleware that calls its handler on another goroutine and waits. A [HandlerFunc], or an OnLoop, inside is
//     a task again. In a handler [aio.Timeout] does the same without.
//
// The first four and TimeoutHandler are found where they are the handler, or where its
// http.ServeMux leads. Elsewhere net/http's client panics in a task, which answers 500 and names
// the remedy in the log; so does middleware that holds up the loop while its handler waits for it.
// Nothing finds a handler that blocks in another way, except the watchdog of debug mode.
//
// # What runs where
//
// [Serve] speaks HTTP/1.1 on the loop, with and without TLS: a request is a task, and costs no
// goroutine. HTTP/2 is spoken by net/http on its goroutines, as all is under OnLoop. So is
// HTTP/1.1 of the client: a request is made in the task that asks, and a large body is sent by a task
// of its own. For a secure host that was not asked before, for HTTP/2, proxies, traces of
// net/http/httptrace and a Transport of the program the client uses net/http. There a request costs a
// goroutine while its head is waited for and while a piece of its body is, none in between. These
// goroutines do not count for aio.WithThreadLimiter: the limits of the client bound them, and slow
// servers do not keep ToThread from working. Under a virtual clock a request takes no time; see [Direct] for tests in which the
// server waits on the same clock.
package aiohttp
