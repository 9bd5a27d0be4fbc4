package aiohttp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
)

// A client that sends requests and reads no answers gets as many answers as the system and one
// write buffer hold. The next request waits.
func TestAnswersThatNobodyReadsDoNotCollect(t *testing.T) {
	const size = 16 << 10
	for _, keeps := range []bool{true, false} { // the handler's task may need a second step
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			body := strings.Repeat("x", size)
			answered := 0
			s, err := Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(
				func(w http.ResponseWriter, r *http.Request) {
					if !keeps {
						aio.Yield(r.Context())
					}
					answered++
					io.WriteString(w, body)
				}))
			if err != nil {
				return err
			}
			defer s.Close()
			conn, err := net.Dial("tcp", s.Addr().String())
			if err != nil {
				return err
			}
			defer conn.Close()
			const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
			sending := aio.Start(ctx, func(ctx context.Context) error {
				return aio.Blocking(ctx, func(context.Context) error {
					conn.SetWriteDeadline(time.Now().Add(time.Second)) // the server stops reading
					all := []byte(strings.Repeat(request, 1000))
					for range 1000 {
						if _, err := conn.Write(all); err != nil {
							break
						}
					}
					return nil
				})
			})
			most := 0
			for !sending.Done() {
				for c := s.first; c != nil; c = c.next {
					most = max(most, c.t.WriteBufferSize())
				}
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
			if most > 64<<10+2*size {
				t.Errorf("%d KiB of answers wait to be sent, after %d requests", most>>10, answered)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A client that sends many requests before it reads gets all answers, also if it has ended its side.
func TestAnswersThatAreReadLateAllArrive(t *testing.T) {
	const size, requests = 16 << 10, 2000
	for _, path := range []string{"/", "/yield"} {
		for _, ends := range []bool{false, true} {
			err := aio.Run(t.Context(), func(ctx context.Context) error {
				body := strings.Repeat("x", size)
				s, err := Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(
					func(w http.ResponseWriter, r *http.Request) {
						if r.URL.Path == "/yield" {
							aio.Yield(context.WithoutCancel(r.Context()))
						}
						io.WriteString(w, body)
					}))
				if err != nil {
					return err
				}
				defer s.Close()
				return aio.Blocking(ctx, func(context.Context) error {
					conn, err := net.Dial("tcp", s.Addr().String())
					if err != nil {
						return err
					}
					defer conn.Close()
					conn.SetDeadline(time.Now().Add(time.Minute))
					request := "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n"
					if _, err := io.WriteString(conn, strings.Repeat(request, requests)); err != nil {
						return err
					}
					if ends {
						conn.(*net.TCPConn).CloseWrite()
					}
					in := bufio.NewReader(conn)
					for i := range requests {
						resp, err := http.ReadResponse(in, nil)
						if err != nil {
							return fmt.Errorf("answer %d: %w", i, err)
						}
						n, err := io.Copy(io.Discard, resp.Body)
						if err != nil || n != size {
							return fmt.Errorf("answer %d: %d bytes, %w", i, n, err)
						}
					}
					return nil
				})
			})
			if err != nil {
				t.Errorf("%s, the client ends its side %v: %v", path, ends, err)
			}
		}
	}
}
