package typed

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// run runs main with a server and a client on one loop.
func run(t *testing.T, main func(ctx context.Context, ask asker) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		s, err := aiohttp.Serve(ctx, "tcp", "127.0.0.1:0", new(Shelf).Handler())
		if err != nil {
			return err
		}
		defer s.Close()
		c := aiohttp.Client{PerHost: 200, Limit: 200} // one test has 100 requests that wait
		defer c.Close()
		return main(ctx, func(ctx context.Context, method, path, body string) (int, string, error) {
			r, err := http.NewRequest(method, s.URL()+path, bytes.NewBufferString(body))
			if err != nil {
				return 0, "", err
			}
			r.Header.Set("Content-Type", "application/json")
			answer, err := c.Do(ctx, r)
			if err != nil {
				return 0, "", err
			}
			text, err := answer.Text(ctx)
			return answer.StatusCode, text, err
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

type asker func(ctx context.Context, method, path, body string) (code int, answer string, err error)

func TestRequestsThatDoNotFitTheTypesAreAnsweredWith422(t *testing.T) {
	run(t, func(ctx context.Context, ask asker) error {
		for _, c := range []struct {
			method, path, body string
			code               int
			says               string
		}{
			{"PUT", "/books/0123456789", `{"title":"Go","pages":300}`, 204, ""},
			{"GET", "/books/0123456789", "", 200, `"title":"Go","pages":300`},
			{"GET", "/books/9999999999", "", 404, "there is no such book"},
			{"PUT", "/books/x", `{"title":"Go","pages":300}`, 422, "path.isbn"},
			{"PUT", "/books/0123456789", `{"title":"","pages":300}`, 422, "body.title"},
			{"PUT", "/books/0123456789", `{"title":"Go","pages":"many"}`, 422, "body.pages"},
			{"PUT", "/books/0123456789", `{"title":"Go","pages":0,"more":1}`, 422, "body.more"},
			{"GET", "/books/0123456789?wait=perhaps", "", 422, "query.wait"},
			{"PUT", "/books/0123456789", `{`, 400, ""},
		} {
			code, answer, err := ask(ctx, c.method, c.path, c.body)
			if err != nil {
				return err
			}
			if code != c.code || !strings.Contains(answer, c.says) {
				t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, code, answer)
			}
		}
		return nil
	})
}

func TestTheAPIIsDescribed(t *testing.T) {
	run(t, func(ctx context.Context, ask asker) error {
		_, text, err := ask(ctx, "GET", "/openapi.json", "")
		if err != nil {
			return err
		}
		var api struct {
			OpenAPI string
			Paths   map[string]map[string]any
		}
		if err := json.Unmarshal([]byte(text), &api); err != nil {
			return err
		}
		if !strings.HasPrefix(api.OpenAPI, "3.1.") || api.Paths["/books/{isbn}"]["put"] == nil {
			t.Errorf("OpenAPI %s, paths %v", api.OpenAPI, api.Paths)
		}
		code, page, err := ask(ctx, "GET", "/docs", "")
		if code != 200 || !strings.Contains(page, "<!doctype html>") {
			t.Errorf("%d %s", code, page)
		}
		return err
	})
}

func TestAHandlerAwaits(t *testing.T) {
	run(t, func(ctx context.Context, ask asker) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			for range 100 { // all wait on the loop for the same book
				g.Go(func(ctx context.Context) error {
					code, answer, err := ask(ctx, "GET", "/books/0123456789?wait=true", "")
					if err == nil && (code != 200 || !strings.Contains(answer, "Go")) {
						t.Errorf("%d %s", code, answer)
					}
					return err
				})
			}
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			_, _, err := ask(ctx, "PUT", "/books/0123456789", `{"title":"Go","pages":300}`)
			return err
		})
	})
}
