package aiohttp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/aiotest"
)

// Whatever goes wrong on the way, a body is whole or ends with an error, an answer is that of its
// request, and what is not safe to repeat is done once a call at most.
func TestAnAnswerIsWholeOrAnErrorWhateverGoesWrong(t *testing.T) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{
			Resets: 2, HalfOpen: 1, SlowReaders: 1, Partitions: 1, OneWay: 1, Crashes: 1, Lookups: 1,
		})
		w.SetLink(aiotest.Link{Latency: time.Millisecond})
		done := map[string]int{} // orders, by their numbers: on the disk of the server
		w.Host("shop").Boot(func(ctx context.Context) error {
			mux := http.NewServeMux()
			mux.HandleFunc("POST /order/{id}", func(w http.ResponseWriter, r *http.Request) {
				b, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				if want := strings.Repeat(r.PathValue("id"), 2000); string(b) != want {
					t.Errorf("the handler has %d bytes of %d", len(b), len(want))
				}
				done[r.PathValue("id")]++
				w.WriteHeader(http.StatusCreated)
			})
			mux.HandleFunc("GET /page/{id}", func(w http.ResponseWriter, r *http.Request) {
				for range 3 { // in chunks
					fmt.Fprint(w, strings.Repeat(r.PathValue("id"), 1000))
					w.(http.Flusher).Flush()
				}
			})
			server, err := aiohttp.Serve(ctx, "tcp", ":80", mux)
			if err != nil {
				return err
			}
			defer server.Close()
			return server.ServeForever(ctx)
		})
		ctx = w.Host("app").Context(ctx)
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		client := &aiohttp.Client{Timeout: 30 * time.Second}
		defer client.Close()
		return aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				g.Go(func(ctx context.Context) error {
					for n := range 2 {
						id := fmt.Sprint(2*i + n)
						req, err := http.NewRequest("POST", "http://shop/order/"+id,
							strings.NewReader(strings.Repeat(id, 2000)))
						if err != nil {
							return err
						}
						resp, err := client.Do(ctx, req)
						if err == nil {
							resp.Close()
						}
						if done[id] > 1 || err == nil && resp.StatusCode == 201 && done[id] != 1 {
							t.Errorf("order %s is done %d times, %v", id, done[id], err)
						}
						req, err = http.NewRequest("GET", "http://shop/page/"+id, nil)
						if err != nil {
							return err
						}
						resp, err = client.Do(ctx, req)
						if err != nil {
							continue
						}
						b, err := resp.Bytes(ctx)
						resp.Close()
						if want := strings.Repeat(id, 3000); err == nil && string(b) != want {
							t.Errorf("page %s has %d bytes, and no error", id, len(b))
						}
						if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
							t.Errorf("a page that is cut ends as one that is whole: %v", err)
						}
					}
					return nil
				})
			}
			return nil
		})
	}, aiotest.Schedules(150), aiotest.DocumentedOrder())
}
