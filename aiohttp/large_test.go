package aiohttp_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/tlstest"
)

// largeSize is the size of the bodies here: 1 GiB if AIO_LARGE is set.
func largeSize(t *testing.T) int64 {
	t.Helper()
	switch text := os.Getenv("AIO_LARGE"); {
	case text != "" && text != "0":
		return 1 << 30
	case testing.Short():
		return 16 << 20
	}
	return 64 << 20
}

// largeHeap is by how much the heap may grow meanwhile, whatever the size, with the garbage that
// both ends make.
const largeHeap = 32 << 20

// heap is the largest heap that a pattern has seen.
var heap atomic.Uint64

func seeHeap() {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	for now := sample[0].Value.Uint64(); ; {
		if most := heap.Load(); now <= most || heap.CompareAndSwap(most, now) {
			return
		}
	}
}

// patternBlock comes again and again in a pattern.
var patternBlock = func() []byte {
	p := make([]byte, 64<<10)
	source := rand.NewChaCha8([32]byte{})
	source.Read(p)
	return p
}()

// pattern is a large body: it can be read, and checks what is written to it.
type pattern struct {
	at, size int64
	next     int64
}

var errPattern = errors.New("the bytes are wrong ones")

func (b *pattern) Read(p []byte) (int, error) {
	if b.at == b.size {
		return 0, io.EOF
	}
	b.look()
	n := 0
	for n < len(p) && b.at < b.size {
		from := patternBlock[b.at%int64(len(patternBlock)):]
		k := copy(p[n:], from[:min(int64(len(from)), b.size-b.at)])
		n += k
		b.at += int64(k)
	}
	return n, nil
}

// look sees how large the heap is, once in a mebibyte.
func (b *pattern) look() {
	if b.at >= b.next {
		b.next = b.at + 1<<20
		seeHeap()
	}
}

func (b *pattern) Write(p []byte) (int, error) {
	b.look()
	for rest := p; len(rest) > 0; {
		want := patternBlock[b.at%int64(len(patternBlock)):]
		n := min(len(want), len(rest))
		if b.at+int64(n) > b.size || !bytes.Equal(rest[:n], want[:n]) {
			return 0, fmt.Errorf("%w at %d", errPattern, b.at)
		}
		b.at += int64(n)
		rest = rest[n:]
	}
	return len(p), nil
}

// check reads a body and says how much there was.
func (b *pattern) check(r io.Reader) string {
	n, err := io.CopyBuffer(struct{ io.Writer }{b}, struct{ io.Reader }{r}, make([]byte, 32<<10))
	return fmt.Sprint(n == b.size, err)
}

// inLittleMemory fails the test if fn, which moves size bytes, needs more than largeHeap, or
// allocates more than a part of them. With the race detector pools lose a part of what they get.
func inLittleMemory(t *testing.T, size int64, fn func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	heap.Store(before.HeapAlloc)
	fn()
	runtime.ReadMemStats(&after)
	if n := heap.Load() - before.HeapAlloc; n > largeHeap {
		t.Errorf("the heap grew by %d KiB", n>>10)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > largeHeap/2+uint64(size)/4 {
		t.Errorf("%d KiB were allocated", n>>10)
	}
}

func TestAServerSendsLargeBodiesInLittleMemory(t *testing.T) {
	size := largeSize(t)
	for name, h := range map[string]http.HandlerFunc{
		"with a length": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
			io.Copy(w, &pattern{size: size})
		},
		"in chunks": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, &pattern{size: size})
		},
		"in large pieces": func(w http.ResponseWriter, r *http.Request) {
			p, body := make([]byte, 1<<20), &pattern{size: size}
			for {
				n, err := body.Read(p)
				if err != nil {
					return
				}
				w.Write(p[:n])
			}
		},
		"from another goroutine": func(w http.ResponseWriter, r *http.Request) {
			aio.Blocking(r.Context(), func(context.Context) error {
				_, err := io.Copy(w, &pattern{size: size})
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLittleMemory(t, size, func() {
				run(t, func(ctx context.Context) {
					s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", h)
					ok(t, err)
					defer s.Close()
					ok(t, aio.Blocking(ctx, func(context.Context) error {
						conn, err := net.Dial("tcp", s.Addr().String())
						if err != nil {
							return err
						}
						defer conn.Close()
						io.WriteString(conn, get)
						resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
						if err != nil {
							return err
						}
						equal(t, "body", (&pattern{size: size}).check(resp.Body), "true <nil>")
						return nil
					}))
				})
			})
		})
	}
}

func TestAServerTakesLargeBodiesInLittleMemory(t *testing.T) {
	size := largeSize(t)
	for _, chunks := range []bool{false, true} {
		t.Run(fmt.Sprint("in chunks ", chunks), func(t *testing.T) {
			inLittleMemory(t, size, func() {
				run(t, func(ctx context.Context) {
					s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", http.HandlerFunc(
						func(w http.ResponseWriter, r *http.Request) {
							io.WriteString(w, (&pattern{size: size}).check(r.Body))
						}))
					ok(t, err)
					defer s.Close()
					answer, err := aio.ToThread(ctx, func(context.Context) (string, error) {
						req, err := http.NewRequest("POST", s.URL(), &pattern{size: size})
						if err != nil {
							return "", err
						}
						if !chunks {
							req.ContentLength = size
						}
						var tr http.Transport
						defer tr.CloseIdleConnections()
						resp, err := tr.RoundTrip(req)
						if err != nil {
							return "", err
						}
						defer resp.Body.Close()
						text, err := io.ReadAll(resp.Body)
						return string(text), err
					})
					ok(t, err)
					equal(t, "the server's view", answer, "true <nil>")
				})
			})
		})
	}
}

// large answers with a body, and checks that of a request.
func large(size int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			io.WriteString(w, (&pattern{size: size}).check(r.Body))
			return
		}
		if r.URL.Path == "/length" {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		io.Copy(w, &pattern{size: size})
	}
}

func TestAClientTakesLargeBodiesInLittleMemory(t *testing.T) {
	size := largeSize(t)
	s := site(t, large(size))
	for name, check := range map[string]func(ctx context.Context, r *aiohttp.Response) string{
		"Body": func(ctx context.Context, r *aiohttp.Response) string {
			return (&pattern{size: size}).check(r.Body(ctx))
		},
		"Read": func(ctx context.Context, r *aiohttp.Response) string {
			b := &pattern{size: size}
			p := make([]byte, 32<<10)
			for {
				n, err := r.Read(ctx, p)
				if err == io.EOF {
					return fmt.Sprint(b.at == size, nil)
				}
				if err != nil {
					return err.Error()
				}
				if _, err := b.Write(p[:n]); err != nil {
					return err.Error()
				}
			}
		},
		"CopyTo": func(ctx context.Context, r *aiohttp.Response) string {
			n, err := r.CopyTo(ctx, &pattern{size: size})
			return fmt.Sprint(n == size, err)
		},
	} {
		for _, path := range []string{"/length", "/chunks"} {
			t.Run(name+path, func(t *testing.T) {
				inLittleMemory(t, size, func() {
					run(t, func(ctx context.Context) {
						var c aiohttp.Client
						defer c.Close()
						r, err := c.Get(ctx, s.URL+path)
						ok(t, err)
						defer r.Close()
						equal(t, "body", check(ctx, r), "true <nil>")
					})
				})
			})
		}
	}
}

func TestAClientSendsLargeBodiesInLittleMemory(t *testing.T) {
	size := largeSize(t)
	s := site(t, large(size))
	for name, send := range map[string]func(
		ctx context.Context, c *aiohttp.Client,
	) (*aiohttp.Response, error){
		"with a length": func(ctx context.Context, c *aiohttp.Client) (*aiohttp.Response, error) {
			req, err := http.NewRequest("POST", s.URL, &pattern{size: size})
			ok(t, err)
			req.ContentLength = size
			return c.Do(ctx, req)
		},
		"in chunks": func(ctx context.Context, c *aiohttp.Client) (*aiohttp.Response, error) {
			return c.Post(ctx, s.URL, "", &pattern{size: size})
		},
		"from a task": func(ctx context.Context, c *aiohttp.Client) (*aiohttp.Response, error) {
			return c.Upload(ctx, "POST", s.URL, "", func(_ context.Context, w io.Writer) error {
				_, err := io.Copy(w, &pattern{size: size})
				return err
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLittleMemory(t, size, func() {
				run(t, func(ctx context.Context) {
					var c aiohttp.Client
					defer c.Close()
					r, err := send(ctx, &c)
					equal(t, "the server's view", text(ctx, t, r, err), "true <nil>")
				})
			})
		})
	}
}

// Both ends are ours, on one loop, and what is received is sent at the same time.
func TestLargeBodiesOverTLSOnTheLoopNeedLittleMemory(t *testing.T) {
	size := largeSize(t) / 8
	a := tlstest.New(t)
	// The race detector lets pools lose a part of the records: each byte four times, 35 MB.
	inLittleMemory(t, 20*size, func() {
		run(t, func(ctx context.Context) {
			s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", large(size), func(s *http.Server) {
				s.TLSConfig = a.Server()
				s.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
			})
			ok(t, err)
			defer s.Close()
			cfg := a.Client()
			cfg.NextProtos = []string{"http/1.1"}
			c := aiohttp.Client{TLS: cfg}
			defer c.Close()
			r, err := c.Get(ctx, s.URL())
			ok(t, err)
			equal(t, "body", (&pattern{size: size}).check(r.Body(ctx)), "true <nil>")
			r, err = c.Upload(ctx, "POST", s.URL(), "", func(_ context.Context, w io.Writer) error {
				_, err := io.Copy(w, &pattern{size: size})
				return err
			})
			equal(t, "the server's view", text(ctx, t, r, err), "true <nil>")
		})
	})
}
