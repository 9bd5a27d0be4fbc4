package aiowebsocket_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiowebsocket"
)

// A server that answers each message, and a client.
func Example() {
	upper := aiowebsocket.Handler(aiowebsocket.Options{},
		func(ctx context.Context, conn *aiowebsocket.Conn, r *http.Request) error {
			for m, err := range conn.Messages(ctx) {
				if err != nil {
					return err
				}
				if err := conn.WriteText(ctx, "you said "+m.String()); err != nil {
					return err
				}
			}
			return nil // the client has closed
		})
	site := http.NewServeMux() // any router
	site.Handle("/talk", upper)

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", site)
		if err != nil {
			return err
		}
		defer server.Close()

		conn, err := aiowebsocket.Dial(ctx, "ws://"+server.Addr().String()+"/talk",
			aiowebsocket.Options{})
		if err != nil {
			return err
		}
		defer conn.Abort() // does nothing after Close
		for _, word := range []string{"hello", "goodbye"} {
			if err := conn.WriteText(ctx, word); err != nil {
				return err
			}
			m, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			fmt.Println(m)
		}
		return conn.Close(ctx, aiowebsocket.Normal, "done")
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// you said hello
	// you said goodbye
}

// A room: what one says, all hear. A member who reads too slowly is cut off.
func Example_room() {
	members := map[*aiowebsocket.Conn]bool{} // belongs to the loop: no lock
	room := aiowebsocket.Handler(aiowebsocket.Options{Backlog: 64 << 10},
		func(ctx context.Context, conn *aiowebsocket.Conn, r *http.Request) error {
			members[conn] = true
			defer delete(members, conn)
			for m, err := range conn.Messages(ctx) {
				if err != nil {
					return err
				}
				for member := range members {
					err := member.WriteNowait(m) // never waits for one of them
					if errors.Is(err, aiowebsocket.ErrFull) {
						member.Abort()
					}
				}
			}
			return nil
		})

	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", room)
		if err != nil {
			return err
		}
		defer server.Close()
		var conns []*aiowebsocket.Conn
		for range 3 {
			conn, err := aiowebsocket.Dial(ctx, "ws://"+server.Addr().String(),
				aiowebsocket.Options{})
			if err != nil {
				return err
			}
			defer conn.Abort()
			conns = append(conns, conn)
		}
		for len(members) < len(conns) {
			if err := aio.Sleep(ctx, time.Millisecond); err != nil {
				return err
			}
		}
		if err := conns[0].WriteText(ctx, "hello, all"); err != nil {
			return err
		}
		for i, conn := range conns {
			m, err := conn.Read(ctx)
			if err != nil {
				return err
			}
			fmt.Println("member", i, "hears", m)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// member 0 hears hello, all
	// member 1 hears hello, all
	// member 2 hears hello, all
}

// What a close and a time-out look like.
func ExampleConn_Close() {
	h := aiowebsocket.Handler(aiowebsocket.Options{},
		func(ctx context.Context, conn *aiowebsocket.Conn, r *http.Request) error {
			if err := aio.Sleep(ctx, 30*time.Millisecond); err != nil {
				return err
			}
			return conn.Close(ctx, 4000, "the shop closes at ten")
		})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h)
		if err != nil {
			return err
		}
		defer server.Close()
		conn, err := aiowebsocket.Dial(ctx, "ws://"+server.Addr().String(), aiowebsocket.Options{})
		if err != nil {
			return err
		}
		defer conn.Abort()

		err = aio.Timeout(ctx, time.Millisecond, func(ctx context.Context) error {
			_, err := conn.Read(ctx)
			return err
		})
		fmt.Println("nothing yet:", errors.Is(err, context.DeadlineExceeded))

		_, err = conn.Read(ctx) // the time-out has lost nothing
		if e, ok := errors.AsType[*aiowebsocket.CloseError](err); ok {
			fmt.Println(e.Code, e.Reason)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// nothing yet: true
	// 4000 the shop closes at ten
}

// A handler that looks at the request before it accepts.
func ExampleAccept() {
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		if r.Header.Get("Authorization") != "Bearer secret" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return nil
		}
		conn, err := aiowebsocket.Accept(w, r, aiowebsocket.Options{Protocols: []string{"v2", "v1"}})
		if err != nil {
			return nil // it has been answered
		}
		defer conn.Abort()
		if err := conn.WriteText(ctx, "welcome to "+conn.Protocol()); err != nil {
			return err
		}
		return conn.Close(ctx, aiowebsocket.Normal, "")
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h)
		if err != nil {
			return err
		}
		defer server.Close()
		url := "ws://" + server.Addr().String()

		_, err = aiowebsocket.Dial(ctx, url, aiowebsocket.Options{})
		if status, ok := errors.AsType[*aiohttp.StatusError](err); ok {
			fmt.Printf("%d %s", status.StatusCode, status.Head)
		}
		conn, err := aiowebsocket.Dial(ctx, url, aiowebsocket.Options{
			Protocols: []string{"v1"},
			Header:    http.Header{"Authorization": {"Bearer secret"}},
		})
		if err != nil {
			return err
		}
		defer conn.Abort()
		for m, err := range conn.Messages(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(m)
		}
		return nil // the server has closed
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 401 who are you?
	// welcome to v1
}
