package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var ticker = clitest.Program(run)

func start(t *testing.T, args ...string) (p *clitest.Running, url string) {
	t.Helper()
	p = ticker.Start(t, append([]string{"-addr", "127.0.0.1:0", "-every", "1ms"}, args...)...)
	url, _, _ = strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	return p, url
}

func TestAFollowerWritesWhatTheMarketDoes(t *testing.T) {
	p, url := start(t)
	got := ticker.Run(t.Context(), "follow", "-n", "20", "-last", "0", url+"/events")
	if got.Code != cli.OK || got.Err != "" {
		t.Fatalf("%+v", got)
	}
	m := newMarket(1)
	var want strings.Builder
	for i := range 20 {
		m.change()
		var name string
		for _, q := range m.prices {
			if strings.Contains(m.history[i].Data, fmt.Sprintf(`"cents":%d}`, q.Cents)) {
				name = q.Name
				fmt.Fprintf(&want, "%d %s %d.%02d\n", i+1, name, q.Cents/100, q.Cents%100)
			}
		}
	}
	if got.Out != want.String() {
		t.Errorf("wrote\n%swant\n%s", got.Out, want.String())
	}
	if code := p.Stop(); code != cli.OK || !strings.Contains(p.Out.String(), "\nThe market closed after ") {
		t.Errorf("exit code %d, %s", code, p.Out)
	}
}

// The clock is virtual. The connection is cut again and again, and the server forgets nobody.
func TestAListenerMissesNothing(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		m := newMarket(7)
		cuts := 0
		h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
			cuts++
			err := aio.Timeout(ctx, time.Duration(cuts*700)*time.Millisecond,
				func(ctx context.Context) error { return m.events(ctx, w, r.WithContext(ctx)) })
			if errors.Is(err, context.DeadlineExceeded) {
				panic(http.ErrAbortHandler)
			}
			return err
		})
		market := aio.Start(ctx, func(ctx context.Context) error { return m.trade(ctx, time.Second) })
		defer market.Cancel(nil)
		c := &aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		n := 0
		for e, err := range c.Events(ctx, "http://ticker/", func(r *http.Request) {
			if n == 0 {
				r.Header.Set("Last-Event-ID", "0")
			}
		}) {
			if err != nil {
				return err
			}
			if n++; e.ID != fmt.Sprint(n) {
				t.Errorf("event %s after %d", e.ID, n-1)
			}
			if n == 200 {
				break
			}
		}
		if cuts < 10 {
			t.Errorf("%d connections", cuts)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
}

func TestTheMarketForgetsTheOldest(t *testing.T) {
	m := newMarket(1)
	for range 3 * kept {
		m.change()
	}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		_, n, err := m.after(ctx, 0)
		if len(m.history) > kept || n != m.changes-len(m.history)+1 {
			t.Errorf("%d are kept, the first is %d", len(m.history), n)
		}
		e, n, _ := m.after(ctx, 2999)
		if n != 3000 || e.ID != "3000" {
			t.Errorf("the last is %d, %s", n, e.ID)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestMistakesInTheCommandLine(t *testing.T) {
	for _, args := range [][]string{
		{"x"}, {"-every", "0"}, {"-connections", "0"}, {"follow"}, {"follow", "a", "b"},
		{"follow", "-n", "-1", "http://x"}, {"follow", "ftp://x"}, {"-what"},
	} {
		got := ticker.Run(t.Context(), args...)
		if got.Code != cli.BadUsage || got.Out != "" || !strings.HasSuffix(got.Err, "Try ticker -help.\n") {
			t.Errorf("%v: %+v", args, got)
		}
	}
	for _, args := range [][]string{{"-help"}, {"follow", "-help"}} {
		if got := ticker.Run(t.Context(), args...); got.Code != cli.OK || got.Out != usage {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestAFollowerSaysWhyItCannotListen(t *testing.T) {
	_, url := start(t)
	for path, want := range map[string]string{"/": "no event stream", "/none": "404"} {
		got := ticker.Run(t.Context(), "follow", url+path)
		if got.Code != cli.Failed || !strings.Contains(got.Err, want) || strings.Count(got.Err, "\n") != 1 {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestCtrlCAndSIGTERMEndTheServer(t *testing.T) {
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "Serving on ", "-addr", "127.0.0.1:0", "-every", "1h")
		if got.Code != cli.OK || !strings.HasSuffix(got.Out, "\nThe market closed after 0 changes.\n") ||
			got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestCtrlCAndSIGTERMEndTheFollower(t *testing.T) {
	_, url := start(t)
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, " ", "follow", url+"/events")
		if got.Code != cli.Interrupted || got.Err != "" {
			t.Errorf("%+v", got)
		}
	})
}
