package guide_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/stream"
)

// takeOrders counts the orders that it gets, one a line.
func takeOrders(ctx context.Context, orders *int) error {
	server, err := stream.Serve(ctx, "tcp", ":7",
		func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			if _, err := r.ReadLine(ctx); err != nil {
				return nil
			}
			*orders++
			_, err := fmt.Fprintln(w, "ordered")
			return err
		})
	if err != nil {
		return err
	}
	defer server.Close()
	return server.ServeForever(ctx)
}

// orderItem orders one item. It tries again until the store says that it is ordered.
func orderItem(ctx context.Context) error {
	once := func(ctx context.Context) error {
		r, w, err := stream.Open(ctx, "tcp", "store:7")
		if err != nil {
			return err
		}
		defer w.Close()
		fmt.Fprintln(w, "one item")
		_, err = r.ReadLine(ctx)
		return err
	}
	for {
		err := aio.Timeout(ctx, time.Minute, once)
		if err == nil || ctx.Err() != nil {
			return err
		}
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

func exploreOrders(t testing.TB) {
	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{Resets: 2, SlowReaders: 1, Crashes: 1})
		w.SetLink(aiotest.Link{Latency: 10 * time.Millisecond})
		orders := 0 // on the disk of the store
		w.Host("store").Boot(func(ctx context.Context) error { return takeOrders(ctx, &orders) })
		if err := orderItem(w.Host("shop").Context(ctx)); err != nil {
			return err
		}
		if orders != 1 {
			t.Errorf("%d items are ordered, want 1", orders)
		}
		return nil
	})
}

// failingOrders is failing for another test.
type failingOrders struct{ failing }

func (*failingOrders) Name() string { return "TestOrders" }

var worldBlock = regexp.MustCompile("(?s)<!-- world story -->\n```text\n(.*?)```\n")

func TestThePageShowsTheStoryOfAWorld(t *testing.T) {
	const page = "testing.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	f := &failingOrders{failing{TB: t}}
	exploreOrders(f)
	if !strings.Contains(f.text, "1 fault, in the plain order") {
		t.Errorf("it is not shrunk to one fault:\n%s", f.text)
	}
	want := "<!-- world story -->\n```text\n" + f.text + "```\n"
	switch got := worldBlock.FindString(string(text)); {
	case got == want:
	case !*update:
		t.Errorf("%s does not show\n%s; run this test with -update", page, want)
	default:
		out := worldBlock.ReplaceAllLiteralString(string(text), want)
		if err := os.WriteFile(page, []byte(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
