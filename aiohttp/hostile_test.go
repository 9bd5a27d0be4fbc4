package aiohttp_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// serverOn is serveOn for tests that need the server.
func serverOn(
	t *testing.T, loop *aio.Loop, h http.Handler, setup ...func(*http.Server),
) *aiohttp.Server {
	t.Helper()
	s, err := aio.SubmitValue(t.Context(), loop, func(ctx context.Context) (*aiohttp.Server, error) {
		return aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h, setup...)
	})
	ok(t, err)
	return s
}

// statistics asks a server on its loop.
func statistics(t *testing.T, loop *aio.Loop, s *aiohttp.Server) aiohttp.ServerStatistics {
	t.Helper()
	stats, err := aio.SubmitValue(t.Context(), loop,
		func(context.Context) (aiohttp.ServerStatistics, error) { return s.Statistics(), nil })
	ok(t, err)
	return stats
}

// untilNone waits until a server has no connections.
func untilNone(t *testing.T, loop *aio.Loop, s *aiohttp.Server) {
	t.Helper()
	// nothing tells when the last one has gone
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		stats := statistics(t, loop, s)
		if stats.Connections == 0 && stats.Active == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left behind: %+v", stats)
		}
	}
}

func TestHostileConnectionsLeaveNothing(t *testing.T) {
	loop, end := serving(t)
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return http.ErrAbortHandler
		}
		_, err := io.WriteString(w, "hello")
		return err
	})
	s := serverOn(t, loop, h, aiohttp.BodyTimeout(soon), func(s *http.Server) {
		s.ReadHeaderTimeout, s.IdleTimeout, s.ReadTimeout = soon, soon, 5*soon
		s.ErrorLog = log.New(io.Discard, "", 0)
	})
	whole := "POST /a HTTP/1.1\r\nHost: x\r\nX-Field: value\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n"
	kinds := []func(i int, conn *net.TCPConn){
		func(i int, conn *net.TCPConn) { // a reset at every byte
			io.WriteString(conn, whole[:i%len(whole)])
			conn.SetLinger(0)
		},
		func(i int, conn *net.TCPConn) { // an end at every byte
			io.WriteString(conn, whole[:i%len(whole)])
			conn.CloseWrite()
			io.Copy(io.Discard, conn)
		},
		func(i int, conn *net.TCPConn) { // silence at every byte
			io.WriteString(conn, whole[:i%len(whole)])
			io.Copy(io.Discard, conn)
		},
		func(i int, conn *net.TCPConn) { // a head without an end
			for {
				if _, err := io.WriteString(conn, "X"); err != nil {
					return
				}
				time.Sleep(soon / 20) // a slow client: that is the attack
			}
		},
		func(i int, conn *net.TCPConn) { // chunks without an end
			io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
			for {
				if _, err := io.WriteString(conn, "1;"+strings.Repeat("x", i%10)+"\r\nx\r\n"); err != nil {
					return
				}
				time.Sleep(soon / 20) // a slow client: that is the attack
			}
		},
		func(i int, conn *net.TCPConn) { // answers that nobody takes
			for range 50 {
				io.WriteString(conn, get)
			}
			conn.SetLinger(0)
		},
		func(i int, conn *net.TCPConn) { // requests without an end, whose answers nobody takes
			for {
				if _, err := io.WriteString(conn, strings.Repeat(get, 100)); err != nil {
					return
				}
				if i%16 > 0 { // megabytes of answers fit into the buffers of the system for each of them
					return
				}
			}
		},
	}
	all, batch := 10_000, 500
	if testing.Short() {
		all = 600
	}
	before := resourcesNow()
	for from := 0; from < all; from += batch {
		var wg sync.WaitGroup
		for i := from; i < min(all, from+batch); i++ {
			wg.Go(func() {
				conn, err := net.Dial("tcp", s.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				conn.SetDeadline(time.Now().Add(patience))
				kinds[i%len(kinds)](i/len(kinds), conn.(*net.TCPConn))
			})
		}
		wg.Wait()
		if t.Failed() {
			return
		}
	}
	untilNone(t, loop, s)
	before.comeBack(t)
	conn := dial(t, s.Addr(), get)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	ok(t, err)
	equal(t, "a good one is answered", resp.StatusCode, 200)
	for _, r := range end() {
		t.Error(r)
	}
}

func TestChaosLeavesNothing(t *testing.T) {
	loop, end := serving(t)
	mux := http.NewServeMux()
	mux.Handle("/echo",
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			if _, err := io.Copy(w, r.Body); err != nil {
				return http.ErrAbortHandler
			}
			return nil
		}))
	mux.Handle("/off", aiohttp.OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(w, r.Body)
	})))
	mux.Handle("/large",
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			for range 20 {
				if _, err := w.Write(make([]byte, 50_000)); err != nil {
					return http.ErrAbortHandler
				}
				if err := aio.Yield(ctx); err != nil {
					return err
				}
			}
			return nil
		}))
	mux.HandleFunc("/panic", func(w http.ResponseWriter, r *http.Request) { panic("oops") })
	mux.HandleFunc("/wait", func(w http.ResponseWriter, r *http.Request) {
		aio.Sleep(r.Context(), time.Millisecond)
	})
	mux.HandleFunc("/hijack", func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		io.Copy(io.Discard, rw)
		fmt.Fprint(conn, "bye")
	})
	mux.HandleFunc("/hand-over", func(w http.ResponseWriter, r *http.Request) { // and returns before
		go func() {
			io.Copy(io.Discard, r.Body)
			w.Write(make([]byte, 100_000))
		}()
	})
	s := serverOn(t, loop, mux, func(s *http.Server) { s.ErrorLog = log.New(io.Discard, "", 0) })
	before := resourcesNow()
	paths := []string{"/echo", "/off", "/large", "/panic", "/wait", "/hijack", "/hand-over"}
	rounds := 40
	if testing.Short() {
		rounds = 10
	}
	var wg sync.WaitGroup
	for client := range 48 {
		wg.Go(func() {
			dice := rand.New(rand.NewPCG(uint64(client), 1))
			for range rounds {
				conn, err := net.Dial("tcp", s.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				conn.SetDeadline(time.Now().Add(patience))
				answers := bufio.NewReader(conn)
				for range 1 + dice.IntN(5) {
					size := dice.IntN(100_000)
					request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
						paths[dice.IntN(len(paths))], size, strings.Repeat("x", size))
					cut := len(request)
					if dice.IntN(4) == 0 {
						cut = dice.IntN(cut)
					}
					sent := make(chan struct{})
					go func() {
						defer close(sent)
						io.WriteString(conn, request[:cut])
					}()
					if cut == len(request) {
						resp, err := http.ReadResponse(answers, nil)
						if err == nil && dice.IntN(5) > 0 {
							_, err = io.Copy(io.Discard, resp.Body)
						} else if err == nil {
							err = io.EOF
						}
						if err != nil {
							conn.Close()
							<-sent
							break
						}
					}
					<-sent
					if cut < len(request) {
						break
					}
				}
				if dice.IntN(2) == 0 {
					conn.(*net.TCPConn).SetLinger(0)
				}
				conn.Close()
			}
		})
	}
	wg.Wait()
	untilNone(t, loop, s)
	before.comeBack(t)
	for _, r := range end() {
		t.Error(r)
	}
}

func TestAHandlerOfServeMayTakeOverTheConnectionInItsTask(t *testing.T) {
	loop, _ := serving(t)
	s := serverOn(t, loop, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		ok(t, err)
		defer conn.Close()
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			fmt.Fprint(conn, "you said ", line)
		}
	}))
	conn := dial(t, s.Addr(), get+"hello\n")
	answers := bufio.NewReader(conn)
	for _, word := range []string{"hello", "again"} {
		line, err := answers.ReadString('\n')
		ok(t, err)
		equal(t, "line", line, "you said "+word+"\n")
		io.WriteString(conn, "again\n")
	}
}

func TestAHandlerOfServeIsCancelledWhenItsClientGoesAway(t *testing.T) {
	loop, end := serving(t)
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	s := serverOn(t, loop,
		aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			begun <- struct{}{}
			err := aio.Sleep(ctx, time.Hour)
			ended <- err
			return err
		}))
	for _, half := range []bool{false, true} {
		conn := dial(t, s.Addr(), get)
		<-begun
		if half {
			conn.(*net.TCPConn).CloseWrite()
		} else {
			conn.Close()
		}
		err := <-ended
		matches(t, err, aio.ErrCancelled)
		if !strings.Contains(err.Error(), "the client has gone away") {
			t.Error(err)
		}
	}
	for _, r := range end() {
		t.Error(r)
	}
}

// One that ends its side, and listens still, gets all of the answer.
func TestAClientThatEndsItsSideIsAnswered(t *testing.T) {
	loop, _ := serving(t)
	s := serverOn(t, loop, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		for range 100 {
			if _, err := w.Write(make([]byte, 100_000)); err != nil {
				t.Error(err)
				return
			}
		}
	}))
	conn := dial(t, s.Addr(), "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")
	conn.(*net.TCPConn).CloseWrite()
	if all := ends(t, conn); len(all) < 10_000_000 {
		t.Errorf("%d bytes", len(all))
	}
}

func TestAnIdleConnectionIsClosedAtOnceByShutdown(t *testing.T) {
	loop, _ := serving(t)
	s := serverOn(t, loop, hello)
	conn := dial(t, s.Addr(), get)
	answers := bufio.NewReader(conn)
	resp, err := http.ReadResponse(answers, nil)
	ok(t, err)
	io.Copy(io.Discard, resp.Body)
	err = aio.Submit(t.Context(), loop, s.Shutdown)
	ok(t, err)
	if _, err := answers.ReadByte(); err == nil {
		t.Error("it is open still")
	}
}
