package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
)

// defaults are the settings without any flags.
func defaults(t testing.TB) settings {
	s, err := parseFlags(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// allocated returns how much f allocates, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// pageOf is a page with a base and many links.
func pageOf(base string, links int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<title>x</title><base href='%s'>", base)
	for i := range links {
		fmt.Fprintf(&b, "<a href=%d>", i)
	}
	return b.String()
}

func TestASmallPageCostsLittle(t *testing.T) {
	for name, page := range map[string]string{
		"a long base":              pageOf("/"+strings.Repeat("a", 100_000)+"/", 5000),
		"the longest base heeded":  pageOf("/"+strings.Repeat("a", 2000)+"/", 5000),
		"a tag full of attributes": "<a " + strings.Repeat("a ", 100_000) + "href=x>",
		"a long title":             "<title>" + strings.Repeat("é ", 100_000) + "</title>",
	} {
		var c *crawl
		cost := allocated(func() {
			c, _ = walk(t, site(map[string]string{"/": page}), "-pages", "1", "http://x")
		})
		if cost > 64<<20 {
			t.Errorf("%s: %d bytes of page cost %d MB", name, len(page), cost>>20)
		}
		start := c.starts[0]
		if len(start.links) > 1000 || len(c.order) > 1001 || len([]rune(start.title)) > longestTitle {
			t.Errorf("%s: %d links, %d pages, %d bytes of title",
				name, len(start.links), len(c.order), len(start.title))
		}
		for _, p := range c.order {
			if n := len(p.url.String()); n > 2048 {
				t.Errorf("%s: a URL of %d bytes", name, n)
			}
		}
	}
}

func TestWhatIsKnownHasBounds(t *testing.T) {
	n := 0
	// every page leads to a hundred new ones, here and elsewhere
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		for range 50 {
			n++
			fmt.Fprintf(w, "<a href=/%d><a href=http://h%d.test/>", n, n)
		}
	})
	c, _ := walk(t, endless, "-depth", "100", "-pages", "30", "-known", "200",
		"-no-robots", "http://x")
	equal(t, "visited", c.visited(), 30)
	equal(t, "known", len(c.order), 200)
	equal(t, "known beyond", len(c.beyond), 200)
	equal(t, "left out", c.over, 30*100-199-200)
	c, _ = walk(t, endless, "-depth", "100", "-pages", "30", "-known", "200", "-hosts", "5", "-span",
		"-no-robots", "http://x")
	equal(t, "hosts", len(c.hosts), 5)
	equal(t, "known", len(c.order), 200)
	if !slices.ContainsFunc(c.order, func(p *page) bool { return p.skipped == "too many hosts" }) {
		t.Error("no page was left out for its host")
	}
	c, _ = walk(t, site(map[string]string{"/": pageOf("/", 20)}), "-links", "3", "http://x")
	equal(t, "links of a page", len(c.starts[0].links), 3)
	equal(t, "left out", c.over, 17)
	var report strings.Builder
	c.writeReport(&report, 0)
	if !strings.Contains(report.String(),
		"  left out       17  links, beyond a bound of -links, -known or -longest\n") {
		t.Error(report.String())
	}
	c, _ = walk(t, site(map[string]string{"/": strings.Repeat(" ", 5000) +
		"<a href=/x>"}), "-size", "4096", "http://x")
	if p := c.starts[0]; p.bytes != 4096 || !p.cut || len(p.links) != 0 {
		t.Errorf("%+v", p)
	}
}

func TestRedirectsInARowHaveABound(t *testing.T) {
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/robots.txt" {
			http.Redirect(w, r, r.URL.Path+"a", http.StatusFound)
		}
	})
	c, _ := walk(t, endless, "http://x")
	equal(t, "visited", c.visited(), 11)
	if err := c.order[10].err; err == nil || err.Error() != "more than 10 redirects in a row" {
		t.Error(err)
	}
	c, _ = walk(t, endless, "-redirects", "1", "http://x")
	if err := c.order[1].err; err == nil || err.Error() != "more than 1 redirect in a row" {
		t.Error(err)
	}
	for _, to := range []string{"unix:/run/x.sock:/", "file:///etc/passwd", "/" +
		strings.Repeat("a", 5000)} {
		c, _ = walk(t, site(map[string]string{"/": "=> " + to}), "http://x")
		if c.starts[0].err == nil || len(c.order) != 1 {
			t.Errorf("%.20s: %+v", to, c.starts[0])
		}
	}
}

// hardRules are robots.txt files that are hard to match.
var hardRules = map[string]string{
	"many short rules": "User-agent: *\n" + strings.Repeat("Disallow: /x\n", 30_000),
	"many different rules": "User-agent: *\n" + lines(20_000, func(i int) string {
		return fmt.Sprintf("Disallow: /%d", i)
	}),
	"stars": "User-agent: *\n" + lines(1000, func(i int) string {
		return "Disallow: /" + strings.Repeat("*a", 200+i%7) + "b"
	}),
	"too many stars": "User-agent: *\n" + lines(20_000, func(i int) string {
		return fmt.Sprintf("Disallow: /*%d", i)
	}),
	"many names": strings.Repeat("User-agent: *\n", 15_000) + strings.Repeat("Disallow: /x\n", 15_000),
	"ends": "User-agent: *\n" + lines(20_000, func(i int) string {
		return fmt.Sprintf("Disallow: /%d$", i)
	}),
}

func lines(n int, line func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(line(i) + "\n")
	}
	return b.String()
}

func TestHardRulesAreLookedUpInLittleTime(t *testing.T) {
	u := &url.URL{Path: "/" + strings.Repeat("a", 2000) + "c"}
	for name, text := range hardRules {
		if len(text) > largestRobots {
			t.Fatalf("%s has %d bytes, which are not read", name, len(text))
		}
		var r *rules
		if cost := allocated(func() { r = parseRobots(text, robot) }); cost > 32<<20 {
			t.Errorf("%s: reading them cost %d MB", name, cost>>20)
		}
		if len(r.wild) > mostWild || len(r.lengths) > 1000 {
			t.Errorf("%s: %d with stars, %d lengths", name, len(r.wild), len(r.lengths))
		}
		equal(t, name, r.allow(u), name != "too many stars")
		if cost := testing.AllocsPerRun(1, func() { r.allow(u) }); cost > 10 {
			t.Errorf("%s: a look-up allocates %v times", name, cost)
		}
	}
}

func TestALongDelayIsHeededInPart(t *testing.T) {
	for value, want := range map[string]string{
		"0.5":   "500ms",
		"3600":  "30s",
		"1e300": "30s",
		"Inf":   "30s",
		"NaN":   "0s",
		"-1":    "0s",
		"x":     "0s",
	} {
		if r := parseRobots("User-agent: *\nCrawl-delay: "+value, robot); r.delay.String() != want {
			t.Errorf("%s: %v, want %s", value, r.delay, want)
		}
	}
}

func TestWithPublicNoLinkLeadsToThisMachine(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("somebody has come")
	}))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprintf(w,
				"<a href=http://localhost:%s/><a href=http://[::ffff:127.0.0.1]:%s/><a href=/away>", port, port)
		case "/away":
			http.Redirect(w, r, "http://localhost:"+port+"/x", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	got := crawler.Run(t.Context(), "-public", "-span", "-retries", "0", site.URL)
	if got.Code != cli.OK || strings.Count(got.Out, "the address is private") < 3 {
		t.Errorf("%+v", got)
	}
}

func TestWhatASiteSaysIsSafeToShow(t *testing.T) {
	const evil = "\u202egone\u009b2J\x1b[2J"
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<title>"+evil+"</title><a href='/"+evil+"'><a href=/kind><a href=/to>")
		case "/kind":
			w.Header().Set("Content-Type", "text/"+evil)
		case "/to":
			w.Header().Set("Location", "x:"+evil)
			w.WriteHeader(http.StatusFound)
		}
	})
	c, took := walk(t, h, "http://x")
	var report, json strings.Builder
	c.writeReport(&report, took)
	c.writeJSON(&json)
	if text := report.String() + json.String(); strings.ContainsAny(text, "\u202e\u009b\x1b") {
		t.Errorf("%q", text)
	}
}

// FuzzRobots reads a robots.txt and looks a page up.
func FuzzRobots(f *testing.F) {
	f.Add("User-agent: *\nDisallow: /a*b$\nAllow: /a\n", "/ab?c")
	f.Add("User-agent: aio-crawler\nCrawl-delay: 1e9\nDisallow: *\nDisallow: $\nAllow: /$\n", "/")
	f.Add("\ufeffuser-agent:*\rdisallow:/**\n#", "/%zz")
	f.Fuzz(func(t *testing.T, text, path string) {
		r := parseRobots(text, robot)
		if r.delay < 0 || r.delay > longestDelay || len(r.wild) > mostWild {
			t.Errorf("delay %v, %d rules with stars", r.delay, len(r.wild))
		}
		u, err := url.Parse("http://x/" + path)
		if err != nil {
			return
		}
		if got, want := r.allow(u), allowSlowly(text, u); got != want && !r.nothing {
			t.Errorf("%q: %v, want %v", u, got, want)
		}
	})
}

// allowSlowly is rules.allow as RFC 9309 says it, rule by rule.
func allowSlowly(text string, u *url.URL) bool {
	r := parseRobots(text, robot)
	path := u.EscapedPath()
	if path == "/robots.txt" {
		return true
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	allowed, longest := true, -1
	look := func(length int, allow, matches bool) {
		if matches && (length > longest || length == longest && allow) {
			allowed, longest = allow, length
		}
	}
	for pattern, allow := range r.prefixes {
		look(len(pattern), allow, strings.HasPrefix(path, pattern))
	}
	for pattern, allow := range r.paths {
		look(len(pattern)+1, allow, path == pattern)
	}
	for _, w := range r.wild {
		look(w.length, w.allow, glob(strings.Join(w.parts, "*"), w.whole, path))
	}
	return allowed
}

// glob is rule.matches as a table: row[j] says whether the pattern so far matches the first j
// bytes.
func glob(pattern string, whole bool, path string) bool {
	row := make([]bool, len(path)+1)
	row[0] = true
	for i := range len(pattern) {
		next := make([]bool, len(path)+1)
		for j := range next {
			if pattern[i] == '*' {
				next[j] = row[j] || j > 0 && next[j-1]
			} else {
				next[j] = j > 0 && row[j-1] && path[j-1] == pattern[i]
			}
		}
		row = next
	}
	if whole {
		return row[len(path)]
	}
	return slices.Contains(row, true)
}

// FuzzPages reads a page.
func FuzzPages(f *testing.F) {
	for _, seed := range []string{
		`<base href="/dir/"><a href="x#top">1</a><A HREF=" x?q=1&amp;r=2 ">`, `<title>a<svg><title>b`,
		`<meta name=robots content=nofollow><a href=x>`,
		"<a href=unix:/x><a href=//h:99999><a href=http://[::1%25x]/><area href='\x1b'>",
		"<script><a href=x></script><!--", pageOf("/a/", 30),
	} {
		f.Add([]byte(seed))
	}
	s := defaults(f)
	s.links, s.longest = 20, 100
	base := &url.URL{Scheme: "http", Host: "site.test", Path: "/a/b"}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := scan(strings.NewReader(string(data)), base, s)
		if err != nil {
			t.Fatal(err)
		}
		if len(found.links) > s.links || len([]rune(found.title)) > longestTitle {
			t.Errorf("%d links, %d bytes of title", len(found.links), len(found.title))
		}
		seen := map[string]bool{}
		for _, u := range found.links {
			text := u.String()
			if seen[text] || !isPage(u) || u.User != nil || u.Fragment != "" || len(text) > s.longest {
				t.Errorf("link %q", text)
			}
			seen[text] = true
			if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }) {
				t.Errorf("link %q", text)
			}
		}
	})
}
