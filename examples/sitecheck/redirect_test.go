package main

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aio-go/aio/stream"
)

// request reads a request and returns its first line, "" if there is none.
func request(ctx context.Context, r *stream.Reader) string {
	line, err := r.ReadLine(ctx)
	if err != nil || !readRequest(ctx, r) {
		return ""
	}
	return strings.TrimSuffix(string(line), "\r\n")
}

// maze is a site with redirects.
func maze(log *[]string) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		line := request(ctx, r)
		*log = append(*log, strings.TrimSuffix(line, " HTTP/1.1"))
		_, rest, _ := strings.Cut(line, " ")
		path, _, _ := strings.Cut(rest, " ")
		to := map[string]string{
			"/a":       "301 Moved Permanently\r\nLocation: /b?x=1",
			"/b?x=1":   "302 Found\r\nX: y\r\nlocation:c#part",
			"/loop":    "307 Temporary Redirect\r\nLocation: /loop",
			"/nowhere": "302 Found\r\nLocation: ftp://x/",
			"/bad":     "302 Found\r\nLocation: http://x/%zz",
			"/dead":    "302 Found\r\nLocation: http://" + deadSite + "/",
			"/none":    "302 Found",
			"/see":     "303 See Other\r\nLocation: /c",
			"/again":   "307 Temporary Redirect\r\nLocation: /c",
		}[path]
		if to == "" {
			to = "200 OK"
		}
		fmt.Fprintf(w, "HTTP/1.1 %s\r\n\r\n", to)
		return nil
	}
}

func TestRedirectsAreFollowedAndShown(t *testing.T) {
	v := newVillage(t)
	var log []string // of the village's loop; read when the visits are over
	base := "http://" + v.serve(maze(&log))
	to := func(status int, path string) redirect { return redirect{status, base + path} }
	for _, test := range []struct {
		args      string
		status    int
		reason    string
		redirects []redirect
	}{
		{"/a", 200, "OK", []redirect{to(301, "/b?x=1"), to(302, "/c")}},
		{"/c", 200, "OK", []redirect{}},
		{"/none", 302, "Found", []redirect{}},
		{"/a -redirects 0", 301, "Moved Permanently", []redirect{}},
		{"/a -redirects 2", 200, "OK", []redirect{to(301, "/b?x=1"), to(302, "/c")}},
		{"/a -redirects 1", 0, "more than 1 redirect", []redirect{to(301, "/b?x=1")}},
		{"/loop -redirects 3 -retries 5", 0, "more than 3 redirects",
			[]redirect{to(307, "/loop"), to(307, "/loop"), to(307, "/loop")}},
		{"/nowhere", 0, `redirect to "ftp://x/": bad URL: the scheme is "ftp", not http or https`,
			[]redirect{}},
		{"/bad", 0, `redirect to "http://x/%zz": bad URL: invalid URL escape "%zz"`, []redirect{}},
		{"/dead", 0, "connection refused: nothing listens there", []redirect{{302, "http://" +
			deadSite + "/"}}},
	} {
		got := sitecheck(t.Context(), append(strings.Fields(base+test.args), "-json")...)
		records := readRecords(t, got.out)
		if len(records) != 1 || got.err != "" {
			t.Errorf("%s: %+v", test.args, got)
			continue
		}
		if r := records[0]; r.Status != test.status || r.Reason != test.reason ||
			!reflect.DeepEqual(r.Redirects, test.redirects) {
			t.Errorf("%s: %+v, want %+v", test.args, r, test)
		}
	}
	got := sitecheck(t.Context(), base+"/a")
	want := fmt.Sprintf("  200 OK, after 301 to %s/b?x=1, 302 to %s/c\n", base, base)
	if !strings.Contains(got.out, want) {
		t.Errorf("the table is\n%swant in it %s", got.out, want)
	}
}

func TestTheMethodIsAskedWithAndChangesWhereItMust(t *testing.T) {
	for args, want := range map[string]string{
		"/c":                    "GET /c",
		"-method HEAD /a":       "HEAD /a, HEAD /b?x=1, HEAD /c",
		"-method POST /a":       "POST /a, GET /b?x=1, GET /c",
		"-method POST /see":     "POST /see, GET /c",
		"-method HEAD /see":     "HEAD /see, HEAD /c",
		"-method POST /again":   "POST /again, POST /c",
		"-method OPTIONS /none": "OPTIONS /none",
	} {
		t.Run(args, func(t *testing.T) {
			var log []string
			t.Run("visit", func(t *testing.T) { // the village is gone when it ends
				base := "http://" + newVillage(t).serve(maze(&log))
				got := sitecheck(t.Context(), strings.Fields(strings.Replace(args, "/", base+"/", 1))...)
				if got.code != allAnswered {
					t.Errorf("%+v", got)
				}
			})
			if got := strings.Join(log, ", "); got != want {
				t.Errorf("asked %s, want %s", got, want)
			}
		})
	}
}

func TestASiteOnAUnixSocket(t *testing.T) {
	v := newVillage(t)
	var log []string
	socket := v.serveUnix(maze(&log))
	got := sitecheck(t.Context(), "-json", "unix:"+socket, "unix:"+socket+":/a", "unix:"+socket+"x:/a")
	records := readRecords(t, got.out)
	if got.code != someDidNot || len(records) != 3 || records[0].Status != 200 ||
		records[1].Status != 200 || records[2].Reason != "there is no such socket" {
		t.Fatalf("%+v", got)
	}
	want := []redirect{{301, "unix:" + socket + ":/b?x=1"}, {302, "unix:" + socket + ":/c"}}
	if !reflect.DeepEqual(records[1].Redirects, want) {
		t.Errorf("%+v, want %+v", records[1].Redirects, want)
	}
}

func TestTheAddressOfASocketIsRead(t *testing.T) {
	for text, want := range map[string][3]string{
		"unix:/run/x":      {"/run/x", "/", "http"},
		"unix:/run/x:/":    {"/run/x", "/", "http"},
		"unix:x.sock:/a?b": {"x.sock", "/a?b", "http"},
		"unix:/a:b:/c":     {"/a:b", "/c", "http"},
	} {
		at, err := parseSite(text)
		if err != nil || at.network != "unix" || at.address != want[0] ||
			at.url.RequestURI() != want[1] || at.url.Scheme != want[2] {
			t.Errorf("%s: %+v, %v", text, at, err)
		}
	}
	for text, want := range map[string]string{
		"unix:":      "bad URL: it names no socket; write it as in unix:/run/site.sock:/page",
		"unix::/x":   "bad URL: it names no socket; write it as in unix:/run/site.sock:/page",
		"unix:x:/%z": `bad URL: invalid URL escape "%z"`,
	} {
		if _, err := parseSite(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
