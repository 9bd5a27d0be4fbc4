package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var webmoji = clitest.Program(run)

// visit calls do with a client of an app of its own; no network is between the two.
func visit(t *testing.T, do func(ctx context.Context, c *aiohttp.Client, a *app)) {
	t.Helper()
	a := &app{index: index()}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := &aiohttp.Client{Transport: aiohttp.Direct(a.routes())}
		defer c.Close()
		do(ctx, c, a)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// get asks for a path and returns the answer with its body.
func get(
	ctx context.Context, t *testing.T, c *aiohttp.Client, path string,
) (*aiohttp.Response, string) {
	t.Helper()
	r, err := c.Get(ctx, "http://moji"+path)
	if err != nil {
		t.Fatal(err)
	}
	body, err := r.Text(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return r, body
}

func TestTheAPIFindsCharactersByName(t *testing.T) {
	visit(t, func(ctx context.Context, c *aiohttp.Client, a *app) {
		r, body := get(ctx, t, c, "/search?q=cat+Smiling")
		const want = `[{"char":"😸","name":"GRINNING CAT FACE WITH SMILING EYES","code":"U+1F638"},` +
			"\n" +
			`{"char":"😺","name":"SMILING CAT FACE WITH OPEN MOUTH","code":"U+1F63A"},` + "\n" +
			`{"char":"😻","name":"SMILING CAT FACE WITH HEART-SHAPED EYES","code":"U+1F63B"}]` + "\n"
		if body != want || r.StatusCode != 200 || r.Header.Get("X-Total-Count") != "3" ||
			r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v %v %s", r, r.Header, body)
		}
		for query, want := range map[string]string{
			"q=":                   "[]\n",
			"q=no+such+thing":      "[]\n",
			"q=%FF":                "[]\n",
			"q=registered&limit=5": `[{"char":"®","name":"REGISTERED SIGN","code":"U+00AE"}]` + "\n",
		} {
			if _, body := get(ctx, t, c, "/search?"+query); body != want {
				t.Errorf("%s: %s", query, body)
			}
		}
		r, body = get(ctx, t, c, "/search?q=cat&limit=2")
		if strings.Count(body, "U+") != 2 || r.Header.Get("X-Total-Count") == "2" {
			t.Errorf("%v %s", r.Header, body)
		}
		if a.searches != 6 {
			t.Errorf("%d searches", a.searches)
		}
	})
}

func TestQuestionsThatMakeNoSenseAreRefused(t *testing.T) {
	visit(t, func(ctx context.Context, c *aiohttp.Client, a *app) {
		for query, want := range map[string]string{
			"":                               "query.q: required query parameter is missing",
			"?q=" + strings.Repeat("x", 201): "query.q: expected length <= 200",
			"?q=cat&limit=0":                 "query.limit: expected number >= 1",
			"?q=cat&limit=many":              "query.limit: invalid integer",
		} {
			r, body := get(ctx, t, c, "/search"+query)
			var problem struct {
				Status int
				Errors []struct{ Message, Location string }
			}
			err := json.Unmarshal([]byte(body), &problem)
			if err != nil || r.StatusCode != 422 || problem.Status != 422 || len(problem.Errors) != 1 ||
				problem.Errors[0].Location+": "+problem.Errors[0].Message != want {
				t.Errorf("%q: %v %s", query, r, body)
			}
		}
		r, err := c.Post(ctx, "http://moji/search?q=cat", "", nil)
		if err != nil || r.StatusCode != http.StatusMethodNotAllowed {
			t.Error(r, err)
		}
		if r, _ := get(ctx, t, c, "/nonsense"); r.StatusCode != http.StatusNotFound {
			t.Error(r)
		}
	})
}

// Writing an answer of megabytes gives way to others, and they share the count.
func TestLargeAnswersHoldUpNobody(t *testing.T) {
	visit(t, func(ctx context.Context, c *aiohttp.Client, a *app) {
		order := []string{}
		ask := func(query string) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				all, err := aiohttp.GetJSON[[]char](ctx, c, "http://moji/search?q="+query)
				order = append(order, query)
				if query == "hangul" && len(all) < 10_000 {
					t.Errorf("%d characters", len(all))
				}
				return err
			}
		}
		err := aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(ask("hangul"))
			if err := aio.Yield(ctx); err != nil {
				return err
			}
			for range 10 {
				g.Go(ask("euro"))
			}
			return nil
		})
		if err != nil || order[10] != "hangul" || a.searches != 11 {
			t.Errorf("%v, %v, %d searches", order, err, a.searches)
		}
	})
}

func TestThePageWorksWithoutScripts(t *testing.T) {
	visit(t, func(ctx context.Context, c *aiohttp.Client, a *app) {
		r, body := get(ctx, t, c, "/")
		for _, want := range []string{`<form action="/" role="search">`,
			`<input id="q" name="q" type="search" value=""`, `<p id="status" role="status"></p>`,
			"0 searches so far"} {
			if !strings.Contains(body, want) {
				t.Errorf("no %s in\n%s", want, body)
			}
		}
		if strings.Contains(body, "<li>") ||
			!strings.HasPrefix(r.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%v\n%s", r.Header, body)
		}
		_, body = get(ctx, t, c, "/?q=registered")
		if !strings.Contains(body, `data-char="®"`) || !strings.Contains(body, ">1 character<") ||
			!strings.Contains(
				body, "1 search so far") || !strings.Contains(body, "<title>registered – Mojifinder</title>") {
			t.Error(body)
		}
		_, body = get(ctx, t, c, "/?q=combining+acute")
		if !strings.Contains(body, "data-char=\"\u0301\"") || !strings.Contains(body, ">\u25cc\u0301<") {
			t.Error("an accent is not shown on a circle")
		}
		if _, body = get(ctx, t, c, "/?q=letter"); !regexp.MustCompile(
			`>300 of \d+ characters<`).MatchString(body) || strings.Count(body, "<li>") != 300 {
			t.Error("too many letters are not cut off")
		}
		_, body = get(ctx, t, c, "/?q=zzz")
		if !strings.Contains(body, "Nothing has all of these words in its name.") {
			t.Error(body)
		}
		evil := `"><script>alert(1)</script>`
		_, body = get(ctx, t, c, "/?q="+url.QueryEscape(evil))
		if strings.Contains(body, "<script>alert") {
			t.Error("the page can be made to say things")
		}
		if _, body = get(ctx, t, c, "/?q="+strings.Repeat("é", 5000)); strings.Count(body, "é") > 600 {
			t.Error("a long query comes back")
		}
		for path, kind := range map[string]string{
			"/style.css": "text/css; charset=utf-8",
			"/app.js":    "text/javascript; charset=utf-8",
			"/icon.svg":  "image/svg+xml",
		} {
			if r, body := get(ctx, t, c, path); r.Header.Get("Content-Type") != kind || body == "" {
				t.Errorf("%s: %v", path, r.Header)
			}
		}
	})
}

// The description is compared with what the API does.
func TestTheDescriptionIsTrue(t *testing.T) {
	visit(t, func(ctx context.Context, c *aiohttp.Client, a *app) {
		type schema struct {
			Required   []string
			Properties map[string]struct {
				Type    any
				Pattern string
			}
		}
		type operation struct {
			Parameters []struct {
				Name     string
				Required bool
				Schema   struct {
					MaxLength int
					Examples  []string
				}
			}
			Responses map[string]struct {
				Content map[string]struct{ Example []map[string]string }
			}
		}
		api, err := aiohttp.GetJSON[struct {
			Openapi    string
			Info       struct{ Title, Version string }
			Paths      map[string]map[string]operation
			Components struct{ Schemas map[string]schema }
		}](ctx, c, "http://moji/openapi.json")
		if err != nil || !strings.HasPrefix(api.Openapi, "3.") || api.Info.Title == "" ||
			len(api.Paths) != 1 {
			t.Fatalf("%v %+v", err, api)
		}
		search := api.Paths["/search"]["get"]
		if p := search.Parameters; len(p) != 2 || p[0].Name != "q" || !p[0].Required ||
			p[0].Schema.MaxLength != longestQuery || p[1].Name != "limit" || p[1].Required {
			t.Errorf("%+v", p)
		}
		for _, status := range []string{"200", "422"} {
			if len(search.Responses[status].Content) != 1 {
				t.Errorf("%+v", search.Responses)
			}
		}
		list, err := aiohttp.GetJSON[[]map[string]string](ctx, c, "http://moji/search?limit=1&q="+
			url.QueryEscape(search.Parameters[0].Schema.Examples[0]))
		if err != nil {
			t.Fatal(err)
		}
		example := search.Responses["200"].Content["application/json"].Example
		if fmt.Sprint(example) != fmt.Sprint(list) {
			t.Errorf("the example is %v, the answer %v", example, list)
		}
		s := api.Components.Schemas["Char"]
		for name, value := range list[0] {
			p, ok := s.Properties[name]
			if !ok || p.Type != "string" || !regexp.MustCompile(p.Pattern).MatchString(value) {
				t.Errorf("%s = %q is not as described", name, value)
			}
		}
		if len(s.Required) != len(list[0]) || len(s.Properties) != len(list[0]) {
			t.Errorf("described are %v", s)
		}
	})
}

// start starts the program and returns its address.
func start(t *testing.T, args ...string) (*clitest.Running, string) {
	t.Helper()
	p := webmoji.Start(t, append(args, "-addr", "127.0.0.1:0")...)
	address, _, _ := strings.Cut(p.Out.Await(t, "Serving on "), ". ")
	return p, address
}

func TestTheServerServesUntilItIsStopped(t *testing.T) {
	p, address := start(t, "-log")
	resp, err := http.Get(address + "/search?q=registered")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if !strings.Contains(string(body), "REGISTERED SIGN") {
		t.Errorf("%s", body)
	}
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("code %d, on stderr %q", code, p.Err)
	}
	want := "\"registered\": 1 found\n\nServer shut down after 1 search.\n"
	if !strings.HasSuffix(p.Out.String(), want) {
		t.Errorf("%q, want %q", p.Out, want)
	}
}

func TestAVisitorWhoGoesAwayIsNoTrouble(t *testing.T) {
	p, address := start(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "GET /search?q=hangul HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	conn.Close() // most of the answer is still to come
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("code %d, on stderr %q", code, p.Err)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for line, want := range map[string]string{
		"-speed 7": "flag provided but not defined: -speed",
		"cat":      `there is nothing to do with "cat"; only flags are expected`,
	} {
		if got := webmoji.Run(t.Context(), strings.Fields(line)...); got.Code != cli.BadUsage ||
			got.Err != "webmoji: "+want+"\nTry webmoji -help.\n" {
			t.Errorf("%+v", got)
		}
	}
	if got := webmoji.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, addr := range []string{taken.Addr().String(), "127.0.0.1", "127.0.0.1:nonsense"} {
		if got := webmoji.Run(t.Context(), "-addr", addr); got.Code != cli.Failed ||
			!strings.HasPrefix(got.Err, "webmoji: ") || got.Out != "" {
			t.Errorf("%s: %+v", addr, got)
		}
	}
}
