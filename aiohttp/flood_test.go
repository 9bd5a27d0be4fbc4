package aiohttp_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/tlstest"
)

// frame is a frame of HTTP/2.
func frame(kind, flags byte, stream uint32, payload ...byte) []byte {
	n := len(payload)
	head := []byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[5:], stream)
	return append(head, payload...)
}

// Kinds of frames, and a flag.
const (
	headersFrame      = 1
	resetFrame        = 3
	settingsFrame     = 4
	pingFrame         = 6
	continuationFrame = 9
	endHeaders        = 4
)

// askFor is the head of GET https://x/, in HPACK.
var askFor = []byte{0x82, 0x87, 0x84, 0x41, 1, 'x'}

// A flood of frames in HTTP/2 takes a bounded amount of memory and lets other tasks have their
// turns, whether its sender reads or not. Others are served meanwhile.
func TestFloodsOfHTTP2AreBounded(t *testing.T) {
	// How much of the heap it takes, with the garbage of both ends. If anything of each frame were
	// kept, it would be several times that. Requests need some: net/http has 250 under way and 1000
	// in line.
	const mostOfFrames, mostOfRequests = 16 << 20, 32 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(10))
	floods := map[string]func(i uint32) []byte{
		"requests that are reset": func(i uint32) []byte {
			id := 2*i + 1
			return append(frame(headersFrame, 1|endHeaders, id, askFor...),
				frame(resetFrame, 0, id, 0, 0, 0, 8)...)
		},
		"requests that nobody waits for": func(i uint32) []byte {
			return frame(headersFrame, 1|endHeaders, 2*i+1, askFor...)
		},
		"heads without an end": func(i uint32) []byte {
			field := bytes.Repeat([]byte{0, 1, 'a', 1, 'b'}, 200)
			if i == 0 {
				return frame(headersFrame, 1, 1, append(bytes.Clone(askFor), field...)...)
			}
			return frame(continuationFrame, 0, 1, field...)
		},
		"empty continuations": func(i uint32) []byte {
			if i == 0 {
				return frame(headersFrame, 1, 1, askFor...)
			}
			return frame(continuationFrame, 0, 1)
		},
		"pings": func(i uint32) []byte { return frame(pingFrame, 0, 0, make([]byte, 8)...) },
		"settings": func(i uint32) []byte {
			return frame(settingsFrame, 0, 0, 0, 1, 0, 0, byte(i), byte(i))
		},
	}
	a := tlstest.New(t)
	for name, flood := range floods {
		for _, reads := range []bool{true, false} {
			how, size, most := name, 8<<20, int64(mostOfFrames)
			if strings.HasPrefix(name, "requests") {
				size, most = 1<<20, mostOfRequests
			}
			if !reads {
				how += ", by one who does not read"
			}
			t.Run(how, func(t *testing.T) {
				run(t, func(ctx context.Context) {
					s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", aiohttp.HandlerFunc(func(
						ctx context.Context, w http.ResponseWriter, r *http.Request,
					) error {
						_, err := w.Write(make([]byte, 100))
						return err
					}), func(s *http.Server) {
						s.TLSConfig, s.ErrorLog = a.Server(), newLog(io.Discard)
					}, aiohttp.BodyTimeout(2*time.Second))
					ok(t, err)
					defer s.Close()
					settings := a.Client()
					settings.NextProtos = []string{"h2"}
					settings.ServerName = "localhost"
					var before runtime.MemStats
					runtime.GC()
					runtime.ReadMemStats(&before)
					heap.Store(before.HeapAlloc)
					floods := aio.CreateTask(ctx, func(ctx context.Context) (int, error) {
						return aio.ToThread(ctx, func(context.Context) (int, error) {
							return sendFlood(s.Addr().String(), settings, flood, size, reads)
						})
					})
					// This task would be late if the flood held the loop.
					latest := time.Duration(0)
					for !floods.Done() {
						began := time.Now()
						ok(t, aio.Sleep(ctx, 0))
						latest = max(latest, time.Since(began))
						seeHeap()
					}
					n, err := floods.Await(ctx)
					ok(t, err)
					grown := int64(heap.Load()) - int64(before.HeapAlloc)
					t.Logf("%d frames: %d KiB more of heap, a task waited %v at most", n, grown>>10, latest)
					if grown > most {
						t.Errorf("the heap has grown by %d KiB", grown>>10)
					}
					c := aiohttp.Client{TLS: a.Client()}
					defer c.Close()
					r, err := c.Get(ctx, s.URL())
					equal(t, "bytes of an answer to another", len(text(ctx, t, r, err)), 100)
				})
			})
		}
	}
}

// sendFlood sends frames until the server has enough, and returns how many it has sent.
func sendFlood(
	address string, settings *tls.Config, flood func(i uint32) []byte, most int, reads bool,
) (sent int, err error) {
	conn, err := tls.Dial("tcp", address, settings)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	// One who does not read is held up by the server, which ends the connection after a while.
	conn.SetDeadline(time.Now().Add(patience))
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		if reads {
			io.Copy(io.Discard, conn)
		}
	}()
	out := append([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), frame(settingsFrame, 0, 0)...)
	for i, size := uint32(0), 0; size < most; i++ {
		out = append(out, flood(i)...)
		sent++
		if len(out) < 16<<10 {
			continue
		}
		size += len(out)
		if _, err := conn.Write(out); err != nil {
			break // it is closed, as it may be
		}
		out = out[:0]
	}
	conn.CloseWrite()
	if reads {
		<-drained
	}
	return sent, nil
}
