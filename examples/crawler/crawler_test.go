package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var crawler = clitest.Program(run)

// walk crawls the site h under a virtual clock and returns what is known, and how long it took.
func walk(t *testing.T, h http.Handler, args ...string) (*crawl, time.Duration) {
	t.Helper()
	s, err := parseFlags(args)
	if err != nil {
		t.Fatal(err)
	}
	p := &program{settings: s, Streams: cli.Streams{
		Out: io.Discard,
		Err: io.Discard,
	}, transport: aiohttp.Direct(h)}
	if err := aio.Run(t.Context(), p.main, aio.WithClock(aio.NewVirtualClock())); err != nil {
		t.Fatal(err)
	}
	return p.crawl, p.took
}

// paths returns those of the pages that were visited, with their depths.
func paths(c *crawl) []string {
	var all []string
	for _, p := range c.sorted() {
		if p.state == done && p.skipped == "" {
			all = append(all, fmt.Sprint(p.depth, " ", p.url.RequestURI()))
		}
	}
	return all
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func equalLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// site is a handler made of pages: each path with what is there, as HTML.
func site(pages map[string]string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, ok := pages[r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		if to, ok := strings.CutPrefix(text, "=> "); ok {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, text)
	})
}

func TestTheVillageIsCrawledAsAWhole(t *testing.T) {
	c, took := walk(t, village, "http://village.test")
	equal(t, "visited", c.visited(), 66)
	equal(t, "deepest", c.deepest(), 3)
	equal(t, "to be visited", c.waiting(), 0)
	var report strings.Builder
	c.writeReport(&report, took)
	for _, want := range []string{
		"http://village.test/  The village\n  /about  About\n  /map.txt  text/plain\n  /old  301, see " +
			"/older\n    /older  302, see /new\n      /new  The new village\n        /street/1?view=old  " +
			"(left alone: robots.txt)\n  /private/diary  (left alone: robots.txt)\n  /street/1  Street " +
			"1\n    /street/1/house/1  House 1 in street 1\n",
		"    /street/6/house/8  House 8 in street 6\n      /street/6/house/9  404 Not Found\n",
		"\n  answers        58  200 OK\n  answers         1  301 Moved Permanently\n  answers         " +
			"1  302 Found\n  answers         6  404 Not Found\n  left out        2  robots.txt\n  links   " +
			"        1  on other hosts\n",
		"  /street/6/house/9  404 Not Found\n    from /street/6/house/8\n",
	} {
		if !strings.Contains(report.String(), want) {
			t.Errorf("no\n%s\nin\n%s", want, report.String())
		}
	}
	if strings.Contains(report.String(), "/trap") {
		t.Error("a link marked nofollow was followed")
	}
	again, tookAgain := walk(t, village, "http://village.test")
	var second strings.Builder
	again.writeReport(&second, tookAgain)
	equal(t, "another run", second.String(), report.String())
}

// The result does not depend on how many work at it.
func TestDepthsAreThoseOfTheShortestWays(t *testing.T) {
	// The page near is slow, so the way round by a and b is known first.
	pages := site(map[string]string{
		"/": "<a href=near>n</a><a href=a>a</a>", "/near": "<a href=far>", "/a": "<a href=b>",
		"/b": "<a href=far>", "/far": "<a href=end>", "/end": "<a href=/>",
	})
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/near" {
			aio.Sleep(r.Context(), 10*time.Second)
		}
		pages.ServeHTTP(w, r)
	})
	for _, workers := range []string{"1", "8"} {
		c, _ := walk(t, slow, "-workers", workers, "-depth", "3", "http://x")
		equalLines(t, paths(c), "0 /", "1 /a", "1 /near", "2 /b", "2 /far", "3 /end")
		c, _ = walk(t, slow, "-workers", workers, "-depth", "2", "http://x")
		equalLines(t, paths(c), "0 /", "1 /a", "1 /near", "2 /b", "2 /far")
		equal(t, "known", len(c.order), 6)
	}
}

func TestLinksAreTakenFromPagesAsBrowsersDo(t *testing.T) {
	c, _ := walk(t, site(map[string]string{
		"/":              `<base href="/dir/"><a href="x#top">1</a><A HREF=" x?q=1&amp;r=2 ">2</A><a href="x">again</a><area href="../y"><a href="//X:80/dir/./z/../z">3</a><a name=n>4</a><a href="javascript:void(0)">5</a><!-- <a href=no> --><script>"<a href=no>"</script>`,
		"/dir/x":         "<title> Page\n x </title><svg><title>no</title></svg>",
		"/y":             `<meta name=ROBOTS content="noindex, NoFollow"><a href=secret>`,
		"/dir/x?q=1&r=2": "", "/dir/z": "",
	}), "http://x")
	equalLines(t, paths(c), "0 /", "1 /dir/x", "1 /dir/x?q=1&r=2", "1 /dir/z", "1 /y")
	equal(t, "title", c.pages["http://x/dir/x"].title, "Page x")
}

func TestRedirectsAreStepsThatDoNotCount(t *testing.T) {
	c, _ := walk(t, site(map[string]string{
		"/": "<a href=a><a href=loop><a href=out><a href=wrong>", "/a": "=> /b", "/b": "=> /c",
		"/c": "<a href=d>", "/d": "",
		"/loop": "=> /pool", "/pool": "=> /loop", "/out": "=> http://other.test/",
		"/wrong": "=> mailto:x",
	}), "-depth", "2", "http://x")
	equalLines(t, paths(c), "0 /", "1 /a", "1 /b", "1 /c", "1 /loop", "1 /out", "1 /pool",
		"1 /wrong", "2 /d")
	equal(t, "outside", len(c.beyond), 1)
	if err := c.pages["http://x/wrong"].err; err == nil ||
		!strings.Contains(err.Error(), "which is no page") {
		t.Error(err)
	}
}

func TestHostsAreLeftAloneUnlessAsked(t *testing.T) {
	web := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.Host + r.URL.Path {
		case "a.test/":
			io.WriteString(w, "<a href=http://b.test/><a href=http://c.test/x>")
		case "b.test/robots.txt":
			io.WriteString(w, "User-agent: *\nDisallow: /no")
		case "b.test/":
			io.WriteString(w, "<a href=http://a.test/back><a href=/no>")
		case "c.test/robots.txt":
			w.WriteHeader(http.StatusInternalServerError) // it cannot tell, so nothing is allowed
		}
	})
	c, _ := walk(t, web, "http://a.test")
	equalLines(t, paths(c), "0 /")
	c, _ = walk(t, web, "http://a.test", "http://b.test")
	equal(t, "visited on two hosts", c.visited(), 3)
	c, _ = walk(t, web, "-span", "http://a.test")
	equal(t, "visited on all hosts", c.visited(), 3)
	equal(t, "forbidden", c.pages["http://b.test/no"].skipped, "robots.txt")
	equal(t, "not known to be allowed", c.pages["http://c.test/x"].skipped, "robots.txt")
	c, _ = walk(t, web, "-span", "-no-robots", "http://a.test")
	equal(t, "visited without asking", c.visited(), 5)
}

func TestLimitsAreKept(t *testing.T) {
	now, most, robotsAsked := map[string]int{}, map[string]int{}, 0
	var asked []time.Time
	web := aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		if r.URL.Path == "/robots.txt" {
			robotsAsked++
			return nil
		}
		asked = append(asked, aio.RunningLoop(ctx).Time())
		now[r.Host]++
		now[""]++
		defer func() { now[r.Host]--; now[""]-- }()
		most[r.Host], most[""] = max(most[r.Host], now[r.Host]), max(most[""], now[""])
		if err := aio.Sleep(ctx, time.Second); err != nil {
			return err
		}
		w.Header().Set("Content-Type", "text/html")
		for i := range 20 {
			fmt.Fprintf(w, "<a href=/%d><a href=http://b.test/%d>", i, i)
		}
		return nil
	})
	c, _ := walk(t, web, "-span", "-per-host", "2", "-workers", "3", "http://a.test")
	equal(t, "visited", c.visited(), 41)
	equal(t, "most on a.test", most["a.test"], 2)
	equal(t, "most on b.test", most["b.test"], 2)
	equal(t, "most in all", most[""], 3)
	equal(t, "robots.txt asked for", robotsAsked, 2)

	c, _ = walk(t, web, "-pages", "7", "http://a.test")
	equal(t, "visited of 7", c.visited(), 7)

	asked = nil
	_, took := walk(t, web, "-delay", "5s", "http://a.test")
	for i := range asked[1:] {
		if pause := asked[i+1].Sub(asked[i]); pause < 5*time.Second {
			t.Fatalf("%v between two requests", pause)
		}
	}
	equal(t, "time for 21 pages", took, 20*5*time.Second+time.Second)
}

func TestASiteMayWishToBeCrawledSlowly(t *testing.T) {
	pages := map[string]string{
		"/robots.txt": "User-agent: *\nCrawl-delay: 10",
		"/":           "<a href=a><a href=b>",
		"/a":          "",
		"/b":          "",
	}
	_, took := walk(t, site(pages), "-delay", "1s", "http://x")
	equal(t, "time", took, 20*time.Second)
}

func TestBrokenThingsDoNotStopTheWalk(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<a href=abort>1</a><a href=torn>2</a><a href=failing>3</a><a "+
				"href=image>4</a><a href=evil>5</a>")
		case "/abort":
			panic(http.ErrAbortHandler)
		case "/torn":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "<a href=never>")
		case "/failing":
			w.WriteHeader(http.StatusInternalServerError)
		case "/image":
			w.Header().Set("Content-Type", "image/png")
			w.Write(make([]byte, 1000))
		case "/evil":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<title>\x1b[2J</title>")
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	got := crawler.Run(t.Context(), s.URL)
	equal(t, "exit code", got.Code, cli.OK)
	for _, want := range []string{"  /abort  ERROR Get \"" + s.URL + "/abort\": EOF\n", "  /torn  " +
		"ERROR aiohttp: the body of ", "  /failing  500 Internal Server Error\n    from /\n",
		"  /image  image/png\n", "  /evil  ?[2J\n", "\n6 pages visited in "} {
		if !strings.Contains(got.Out, want) {
			t.Errorf("no %q in\n%s", want, got.Out)
		}
	}
	equal(t, "exit code with -strict", crawler.Run(t.Context(), "-strict", s.URL).Code, cli.Failed)
	equal(t, "exit code for a start that is not there", crawler.Run(t.Context(), s.URL+
		"/none").Code, cli.Failed)
	nobody := crawler.Run(t.Context(), "-retries", "0", "http://127.0.0.1:1/")
	equal(t, "exit code for a host that is not there", nobody.Code, cli.Failed)
	if !strings.Contains(nobody.Out, "robots.txt: ") ||
		!strings.Contains(nobody.Out, "connection refused") {
		t.Errorf("it said %q", nobody.Out)
	}
	nobody = crawler.Run(t.Context(), "-retries", "0", "-no-robots", "http://127.0.0.1:1/")
	if nobody.Code != cli.Failed || !strings.Contains(nobody.Out, "refused") {
		t.Errorf("%+v", nobody)
	}
}

func TestJSONHasALineForEachPage(t *testing.T) {
	got := crawler.Run(t.Context(), "-json", "-depth", "1")
	if got.Code != cli.OK || got.Err != "" {
		t.Errorf("%+v", got)
	}
	statuses := map[int]int{}
	for line := range strings.Lines(got.Out) {
		var p struct {
			URL     string
			Status  int
			Links   []string
			Skipped string
		}
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			t.Fatal(line, err)
		}
		if _, err := url.Parse(p.URL); err != nil || p.URL == "" {
			t.Error(line)
		}
		statuses[p.Status]++
		if strings.HasSuffix(p.URL, "/street/1") && len(p.Links) != 10 {
			t.Errorf("%d links in %s", len(p.Links), line)
		}
		if strings.Contains(p.URL, "/house/") && p.Skipped != "too deep" {
			t.Error(line)
		}
	}
	equal(t, "pages with 200", statuses[200], 10)
	equal(t, "pages not asked for", statuses[0], 50)
}

func TestAnInterruptShowsWhatIsKnown(t *testing.T) {
	asked := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<title>Start</title><a href=slow>1</a>")
		case "/slow":
			asked <- struct{}{}
			<-r.Context().Done()
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	p := crawler.Start(t, s.URL)
	<-asked
	equal(t, "exit code", p.Stop(), cli.Interrupted)
	equal(t, "on stderr", p.Err.String(),
		"crawler: interrupted: 1 page visited, 1 still to be visited\n")
	want := s.URL + "/  Start\n  /slow  (not visited)\n\n1 page visited in "
	if !strings.HasPrefix(p.Out.String(), want) {
		t.Errorf("%q, want %q", p.Out, want)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for line, want := range map[string]string{
		"-depth -1":     "-depth is -1; it must be at least 0",
		"-pages 0":      "-pages is 0; it must be at least 1",
		"-workers 0":    "-workers is 0; it must be at least 1",
		"-per-host 0":   "-per-host is 0; it must be at least 1",
		"-delay -1s":    "-delay is -1s; it must be at least 0",
		"-timeout 0":    "-timeout is 0s; it must be more than 0",
		"-size 0":       "-size is 0; it must be at least 1",
		"-links 0":      "-links is 0; it must be at least 1",
		"-known 0":      "-known is 0; it must be at least 1",
		"-hosts -1":     "-hosts is -1; it must be at least 1",
		"-longest 0":    "-longest is 0; it must be at least 1",
		"-redirects -1": "-redirects is -1; it must be at least 0",
		"-retries -1":   "-retries is -1; it must be at least 0",
		"ftp://go.dev":  `"ftp://go.dev" is not the URL of a page; it must begin with http:// or https://`,
		"http:///path":  `"http:///path" is not the URL of a page; it must begin with http:// or https://`,
		"-x":            "flag provided but not defined: -x",
	} {
		got := crawler.Run(t.Context(), strings.Fields(line)...)
		if got.Code != cli.BadUsage || got.Err != "crawler: "+want+"\nTry crawler -help.\n" {
			t.Errorf("%s: %+v", line, got)
		}
	}
	if got := crawler.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
}
