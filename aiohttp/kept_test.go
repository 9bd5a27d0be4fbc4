package aiohttp_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// A sequence that is collected, batched or fetched ahead keeps its items while it goes on.
func TestLinesAndChunksMayBeKept(t *testing.T) {
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		for i := range 3 {
			fmt.Fprintf(w, "line %d\n", i)
			w.(http.Flusher).Flush()
			if err := aio.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		return nil
	})
	want := []string{"line 0\n", "line 1\n", "line 2\n"}
	run(t, func(ctx context.Context) {
		c := &aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		for _, what := range []string{"Lines", "Chunks"} {
			r, err := c.Get(ctx, "http://lines/")
			ok(t, err)
			sequence := r.Lines(ctx)
			if what == "Chunks" {
				sequence = r.Chunks(ctx)
			}
			var kept [][]byte
			for item, err := range sequence {
				ok(t, err)
				kept = append(kept, item)
			}
			var got []string
			for _, item := range kept {
				got = append(got, string(item))
			}
			equalSlices(t, what, got, want)
		}
	}, aio.WithClock(aio.NewVirtualClock()))
}
