package aiowebsocket_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/aio-go/aio/stream"
	"github.com/gobwas/ws"
)

// room is a handler that tells all members what one says, and cuts off those that are slow.
type room struct {
	members map[*aiowebsocket.Conn]bool
	cut     int
}

func (m *room) serve(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
	m.members[c] = true
	defer delete(m.members, c)
	for message, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		for member := range m.members {
			if errors.Is(member.WriteNowait(message), aiowebsocket.ErrFull) {
				m.cut++
				member.Abort()
			}
		}
	}
	return nil
}

// until waits until cond is true.
func until(ctx context.Context, cond func() bool) error {
	for !cond() {
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// Each message reaches all, in order. TestMain sees that nothing is left.
func TestARoomOfAThousand(t *testing.T) {
	n, messages := 1000, 50
	if testing.Short() {
		n, messages = 100, 10
	}
	run(t, func(ctx context.Context) {
		m := &room{members: map[*aiowebsocket.Conn]bool{}}
		url := serve(ctx, t, aiowebsocket.Options{}, m.serve)
		ok(t, aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			var speaker *aiowebsocket.Conn
			for i := range n {
				c := dial(ctx, t, url, aiowebsocket.Options{})
				if i == 0 {
					speaker = c
				}
				g.Go(func(ctx context.Context) error {
					for k := range messages {
						got, err := c.Read(ctx)
						if err != nil {
							return err
						}
						if got.String() != fmt.Sprint("message ", k) {
							t.Errorf("member %d heard %q as number %d", i, got, k)
						}
					}
					return c.Close(ctx, aiowebsocket.Normal, "")
				})
			}
			if err := until(ctx, func() bool { return len(m.members) == n }); err != nil {
				return err
			}
			for k := range messages {
				if err := speaker.WriteText(ctx, fmt.Sprint("message ", k)); err != nil {
					return err
				}
			}
			return nil
		}))
		equal(t, "cut off", m.cut, 0)
		ok(t, until(ctx, func() bool { return len(m.members) == 0 }))
	})
}

func TestAMemberThatDoesNotReadIsCutOff(t *testing.T) {
	run(t, func(ctx context.Context) {
		m := &room{members: map[*aiowebsocket.Conn]bool{}}
		url := serve(ctx, t, aiowebsocket.Options{Backlog: 64 << 10}, m.serve)
		slow := dial(ctx, t, url, aiowebsocket.Options{Heartbeat: -1})
		speaker := dial(ctx, t, url, aiowebsocket.Options{})
		ok(t, until(ctx, func() bool { return len(m.members) == 2 }))
		heard := 0
		for m.cut == 0 {
			ok(t, speaker.Write(ctx, aiowebsocket.Binary(make([]byte, 60_000))))
			_, err := speaker.Read(ctx)
			ok(t, err)
			heard++
		}
		for { // what was sent before is whole
			got, err := slow.Read(ctx)
			if err != nil {
				wantClose(t, err, aiowebsocket.Abnormal)
				break
			}
			equal(t, "length", len(got.Data), 60_000)
			heard--
		}
		if heard < 1 {
			t.Errorf("nothing was kept from the one that was cut off")
		}
		ok(t, until(ctx, func() bool { return len(m.members) == 1 }))
		ok(t, speaker.Close(ctx, aiowebsocket.Normal, ""))
	})
}

// Whatever a client sends, the connection ends in order, and the server stays.
func FuzzFrames(f *testing.F) {
	f.Add(fr(ws.OpText, true, "hello"), false)
	f.Add(bytes.Repeat(fr(ws.OpPing, true, "p"), 3), true)
	f.Add(append(fr(ws.OpText, false, "he"), fr(0, true, "llo")...), false)
	f.Add(closeWith(1000, "bye"), true)
	f.Fuzz(func(t *testing.T, sent []byte, compress bool) {
		inMemory(t, func(ctx context.Context) {
			ended := aio.NewFuture[error](ctx)
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiowebsocket.Handler(
				aiowebsocket.Options{Compress: compress, MaxMessage: 1000},
				func(ctx context.Context, c *aiowebsocket.Conn, r *http.Request) error {
					for {
						m, err := c.Read(ctx)
						if len(m.Data) > 1000 {
							t.Errorf("a message of %d bytes", len(m.Data))
						}
						if err != nil {
							return ended.SetResult(err)
						}
					}
				}))
			ok(t, err)
			r, w, err := stream.Open(ctx, "tcp", s.Addr().String())
			ok(t, err)
			extension := ""
			if compress {
				extension = "Sec-WebSocket-Extensions: permessage-deflate\r\n"
			}
			w.WriteString("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
				extension + "\r\n")
			w.Write(sent)
			w.WriteEOF()
			if _, err := r.ReadAll(ctx); err != nil {
				t.Logf("the peer saw %v", err)
			}
			err, _ = ended.Await(ctx)
			if !errors.Is(err, aiowebsocket.ErrClosed) {
				t.Error(err)
			}
			w.Close()
		})
	})
}
