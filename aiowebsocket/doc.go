// Package aiowebsocket is WebSockets (RFC 6455, and RFC 7692 for compression) in tasks of a loop: a
// server behind any router of net/http, and a client. Reads and writes suspend the calling task; a
// connection has no goroutine of its own. Frames are those of github.com/gobwas/ws.
//
//	http.Handle("/chat", aiowebsocket.Handler(aiowebsocket.Options{},
//		func(ctx context.Context, conn *aiowebsocket.Conn, r *http.Request) error {
//			for m, err := range conn.Messages(ctx) {
//				if err != nil {
//					return err
//				}
//				if err := conn.Write(ctx, m); err != nil {
//					return err
//				}
//			}
//			return nil
//		}))
//
// All is bounded unless [Options] says otherwise: messages, the bytes that wait for a slow peer,
// the time of each handshake, and the silence of a peer. A Conn belongs to its loop: other
// goroutines use [aio.Submit].
package aiowebsocket
