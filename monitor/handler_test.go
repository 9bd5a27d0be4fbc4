package monitor_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/monitor"
)

func TestTheHandlerShowsAPageAndJSON(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/debug/aio/", monitor.Handler())
	s := httptest.NewServer(mux)
	defer s.Close()
	for _, c := range []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", "/debug/aio/", 200, "<title>aio</title>"},
		{"GET", "/debug/aio/picture?brief=1", 200, `"v":1`},
		{"GET", "/debug/aio/picture?loop=x", 400, "invalid syntax"},
		{"POST", "/debug/aio/picture", 405, ""},
		{"GET", "/debug/aio/cancel", 405, ""},
		{"POST", "/debug/aio/cancel?loop=1&task=1", 403, "X-Aio-Monitor"},
		{"GET", "/debug/aio/else", 404, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != c.code || !strings.Contains(string(body), c.want) {
			t.Errorf("%s %s: %d, %.100s", c.method, c.path, resp.StatusCode, body)
		}
		if c.path == "/debug/aio/" && !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("the headers are %v", resp.Header)
		}
	}
	r, _ := http.NewRequestWithContext(t.Context(), "POST", s.URL+"/debug/aio/cancel?loop=1&task=1", nil)
	r.Header.Set("X-Aio-Monitor", "1")
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusConflict || !strings.Contains(string(body), "allows no control") {
		t.Errorf("%d, %s", resp.StatusCode, body)
	}
}

// A handler that runs on the loop it describes does not wait for itself.
func TestTheHandlerDescribesTheLoopThatRunsIt(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		client := &aiohttp.Client{Transport: aiohttp.Direct(monitor.Handler())}
		task := aio.Start(ctx, looptest.Forever, aio.Name("sleeper"))
		defer task.Cancel(nil)
		body, err := aiohttp.GetJSON[json.RawMessage](ctx, client, "http://x/debug/aio/picture?stacks=1")
		if err != nil {
			return err
		}
		var p monitor.Picture
		if err := json.Unmarshal(body, &p); err != nil {
			return err
		}
		l, sleeper := ours(t, p, "sleeper")
		if l.Busy != nil || !strings.Contains(sleeper.At, "looptest.Forever") && sleeper.State != "created" {
			t.Errorf("got %+v, %+v", l.Busy, sleeper)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
