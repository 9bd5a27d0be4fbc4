package main

import (
	"context"
	"errors"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// village is where the sites of a test live: a loop of its own, on another goroutine than the
// program's.
type village struct {
	t    *testing.T
	loop *aio.Loop
}

func newVillage(t *testing.T) village {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	loop, done := make(chan *aio.Loop, 1), make(chan error, 1)
	var reports []aio.Report
	go func() {
		done <- aio.Run(ctx, func(ctx context.Context) error {
			l := aio.RunningLoop(ctx)
			loop <- l
			_, err := aio.NewFuture[aio.None](l.Context()).Await(ctx)
			return err
		}, aio.WithExceptionHandler(func(_ *aio.Loop, r aio.Report) { reports = append(reports, r) }))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, aio.ErrCancelled) {
			t.Errorf("the loop of the sites ended with %v", err)
		}
		for _, r := range reports {
			t.Errorf("the loop of the sites reported: %s: %v", r.Message, r.Err)
		}
	})
	return village{t, <-loop}
}

// serve starts a site and returns its address.
func (v village) serve(handler stream.Handler, opts ...transport.Option) string {
	v.t.Helper()
	return v.serveMany(1, handler, opts...)[0]
}

// serveUnix starts a site on a Unix socket and returns its path.
func (v village) serveUnix(handler stream.Handler) string {
	v.t.Helper()
	path := filepath.Join(v.t.TempDir(), "site")
	_, err := aio.SubmitValue(v.t.Context(), v.loop,
		func(ctx context.Context) (*stream.Server, error) {
			return stream.Serve(ctx, "unix", path, handler)
		})
	if err != nil {
		v.t.Fatal(err)
	}
	return path
}

// serveMany starts n sites that do the same.
func (v village) serveMany(n int, handler stream.Handler, opts ...transport.Option) []string {
	v.t.Helper()
	addresses, err := aio.SubmitValue(v.t.Context(), v.loop,
		func(ctx context.Context) ([]string, error) {
			var all []string
			for range n {
				s, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", handler, opts...)
				if err != nil {
					return nil, err
				}
				all = append(all, s.Addrs()[0].String())
			}
			return all, nil
		})
	if err != nil {
		v.t.Fatal(err)
	}
	return addresses
}

// says is a site that sends the same text to everybody and closes.
func says(text string) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		if readRequest(ctx, r) {
			w.WriteString(text)
		}
		return nil
	}
}

// isWell is a site like any other.
var isWell = says("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

// saysNothing is a site that waits until its visitor has gone.
func saysNothing(ctx context.Context, r *stream.Reader, _ *stream.Writer) error {
	_, err := r.ReadAll(ctx)
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	return nil
}

// hangsUp is a site that closes the connection at once.
func hangsUp(context.Context, *stream.Reader, *stream.Writer) error { return nil }

// deadSite is an address that nobody listens on: a port for which one has to be root, and which is
// nobody's today.
const deadSite = "127.0.0.1:1"

// phoneBook is a network in which the names are known that the test says.
type phoneBook struct {
	transport.Network
	lookup func(host string) ([]netip.Addr, error)
}

func (p phoneBook) LookupHost(_ context.Context, host string) ([]netip.Addr, error) {
	return p.lookup(host)
}

// tally counts, from any goroutine.
type tally struct {
	mu            sync.Mutex
	now, max, all int
}

func (c *tally) enter() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now++
	c.all++
	c.max = max(c.max, c.now)
}

func (c *tally) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now--
}

func (c *tally) get() (max, all int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.max, c.all
}
