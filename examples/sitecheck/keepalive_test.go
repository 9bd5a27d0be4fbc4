package main

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// patient is a site that answers one request after the other on a connection, the same to all of
// them. It hangs up after so many, if that is not 0.
func patient(connections *tally, answer string, most int) stream.Handler {
	return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		connections.enter()
		defer connections.leave()
		for n := 1; ; n++ {
			line := request(ctx, r)
			if line == "" {
				return nil
			}
			if strings.HasPrefix(line, "HEAD ") {
				head, _, _ := strings.Cut(answer, "\r\n\r\n")
				w.WriteString(head + "\r\n\r\n")
			} else {
				w.WriteString(answer)
			}
			if err := w.Drain(ctx); err != nil || n == most {
				return err
			}
		}
	}
}

// paths returns n pages of a site.
func paths(base string, n int) []string {
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("%s/%d", base, i))
	}
	return urls
}

func TestTheSitesOfOneHostShareConnections(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, test := range map[string]struct {
		answer      string
		most        int
		args        string
		connections int
	}{
		"in turn":                 {ok + "Content-Length: 5\r\n\r\nhello", 0, "-sequential", 1},
		"one at a time of a host": {ok + "content-length:  5\r\n\r\nhello", 0, "-perhost 1", 1},
		"without a page":          {ok + "Content-Length: 0\r\n\r\n", 0, "-limit 1", 1},
		"in pieces": {ok + "Transfer-Encoding: " +
			"chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nTrailer: x\r\n\r\n", 0, "-sequential", 1},
		"204": {"HTTP/1.1 204 No Content\r\n\r\n", 0, "-sequential", 1},
		"HEAD": {ok + "Content-Length: 1000000\r\n\r\n" + strings.Repeat(
			"x", 1000000), 0, "-sequential -method HEAD", 1},
		"an early hint": {"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok +
			"Content-Length: 1\r\n\r\nx", 0, "-sequential", 1},
		"the site says that it closes": {ok +
			"Content-Length: 5\r\nConnection: Close\r\n\r\nhello", 1, "-sequential", 6},
		"the site closes without a word": {ok + "Content-Length: 5\r\n\r\nhello", 2, "-sequential", 3},
		"the page ends with it":          {ok + "\r\nhello", 1, "-sequential", 6},
		"the page is long": {ok + "Content-Length: 100000\r\n\r\n" + strings.Repeat(
			"x", 100000), 0, "-sequential", 6},
		"the pieces are long": {ok + "Transfer-Encoding: chunked\r\n\r\n186a0\r\n" +
			strings.Repeat("x", 100000) + "\r\n0\r\n\r\n", 0, "-sequential", 6},
		"a length that is none": {ok + "Content-Length: many\r\n\r\nhello", 1, "-sequential", 6},
		"pieces that are none": {ok +
			"Transfer-Encoding: chunked\r\n\r\nhello\r\n", 1, "-sequential", 6},
		"old": {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 1, "-sequential", 6},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVillage(t)
			var connections tally
			base := "http://" + v.serve(patient(&connections, test.answer, test.most))
			got := sitecheck(t.Context(), append(strings.Fields(test.args), paths(base, 6)...)...)
			if got.code != allAnswered || got.err != "" {
				t.Errorf("%+v", got)
			}
			if _, all := connections.get(); all != test.connections {
				t.Errorf("%d connections, want %d", all, test.connections)
			}
			// Where the site hangs up, a request may be made twice.
			want := fmt.Sprintf(" over %s, 0 redirects followed.\n", several(test.connections, "connection"))
			if !strings.HasSuffix(got.out, want) {
				t.Errorf("the output is\n%swant at its end %s", got.out, want)
			}
		})
	}
}

func TestAConnectionIsKeptOnTLSAndOnUnixSocketsToo(t *testing.T) {
	v := newVillage(t)
	const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	var secure, local tally
	urls := append(paths("https://"+
		v.serve(patient(&secure, answer, 0), transport.TLS(selfMadeConfig(t))), 5),
		paths("unix:"+v.serveUnix(patient(&local, answer, 0))+":", 5)...)
	got := sitecheck(t.Context(), append(urls, "-insecure", "-perhost", "1")...)
	_, one := secure.get()
	_, two := local.get()
	if got.code != allAnswered || one != 1 || two != 1 ||
		!strings.HasSuffix(got.out, "10 requests over 2 connections, 0 redirects followed.\n") {
		t.Errorf("%d and %d connections, want one each: %+v", one, two, got)
	}
}

func TestSitesOfOneHostAreCheckedAllAtOnceAllTheSame(t *testing.T) {
	v := newVillage(t)
	m := &meeting{size: 10}
	got := sitecheck(t.Context(), paths("http://"+v.serve(m.answer), 10)...)
	if max, all := m.visits.get(); got.code != allAnswered || max != 10 || all != 10 {
		t.Errorf("%d of %d visits at the same time, want all of 10: %+v", max, all, got)
	}
	m = &meeting{size: 3}
	got = sitecheck(t.Context(), append(paths("http://"+v.serve(m.answer), 9), "-perhost", "3")...)
	if max, all := m.visits.get(); got.code != allAnswered || max != 3 || all != 9 {
		t.Errorf("%d of %d visits at the same time, want 3 of 9: %+v", max, all, got)
	}
}

func TestAPostIsNotMadeTwice(t *testing.T) {
	v := newVillage(t)
	var connections tally
	base := "http://" +
		v.serve(patient(&connections, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1))
	got := sitecheck(t.Context(), append(paths(base, 2), "-sequential", "-method", "POST")...)
	_, all := connections.get()
	// the end may have been seen before the request
	if !(got.code == someDidNot && all == 1) && !(got.code == allAnswered && all == 2) {
		t.Errorf("%d connections: %+v", all, got)
	}
}

func TestTheSummaryCountsStatusesAndTimes(t *testing.T) {
	var out strings.Builder
	writeSummary(&out, someRows(), &connections{opened: 1, asked: 12})
	want := `
      1  200 ?[2Jgone
      2  200 OK
      1  204
      1  301 Moved Permanently
      1  503 Service Unavailable
      4  failed

The time of an answer: min 1 ms, median 1 ms, p99 1500 ms.
12 requests over 1 connection, 2 redirects followed.
`
	if got := out.String(); got != want {
		t.Errorf("the summary is\n%swant\n%s", got, want)
	}
	out.Reset()
	writeSummary(&out, someRows()[5:7], &connections{})
	if got, want := out.String(),
		"\n      1  failed\n0 requests over 0 connections, 0 redirects followed.\n"; got != want {
		t.Errorf("the summary is\n%swant\n%s", got, want)
	}
}

func TestQuantiles(t *testing.T) {
	sorted := make([]time.Duration, 200)
	for i := range sorted {
		sorted[i] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		n    int
		q    float64
		want time.Duration
	}{{1, 0.5, 1}, {1, 0.99, 1}, {2, 0.5, 1}, {3, 0.5, 2}, {100, 0.5, 50}, {100, 0.99, 99},
		{101, 0.99, 100}, {200, 0.99, 198}} {
		if got := quantile(sorted[:test.n], test.q); got != test.want {
			t.Errorf("quantile %v of 1 to %d is %d, want %d", test.q, test.n, got, test.want)
		}
	}
}
