package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/certs"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// meeting is a site that answers when so many visitors are there at the same time, whatever site of
// the meeting they are at. It belongs to the loop of the village.
type meeting struct {
	size    int
	waiting []*aio.Future[aio.None]
	visits  tally
}

func (m *meeting) answer(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	if !readRequest(ctx, r) {
		return nil
	}
	m.visits.enter()
	defer m.visits.leave()
	f := aio.NewFuture[aio.None](ctx)
	if m.waiting = append(m.waiting, f); len(m.waiting) == m.size {
		for _, f := range m.waiting {
			f.SetResult(aio.None{})
		}
		m.waiting = nil
	}
	if _, err := f.Await(ctx); err != nil {
		return err
	}
	w.WriteString("HTTP/1.1 200 OK\r\n\r\n")
	return nil
}

func webAddresses(addresses []string) []string {
	urls := make([]string, len(addresses))
	for i, a := range addresses {
		urls[i] = "http://" + a + "/"
	}
	return urls
}

func TestAllAtOnceVisitsAllSitesAtTheSameTime(t *testing.T) {
	v := newVillage(t)
	m := &meeting{size: 10}
	got := sitecheck(t.Context(), webAddresses(v.serveMany(10, m.answer))...)
	if max, all := m.visits.get(); got.code != allAnswered || max != 10 || all != 10 {
		t.Errorf("%d of %d visits at the same time, want all of 10: %+v", max, all, got)
	}
}

func TestTheLimitIsKeptAndMadeUseOf(t *testing.T) {
	v := newVillage(t)
	m := &meeting{size: 3}
	args := append([]string{"-limit", "3"}, webAddresses(v.serveMany(30, m.answer))...)
	got := sitecheck(t.Context(), args...)
	if max, all := m.visits.get(); got.code != allAnswered || max != 3 || all != 30 {
		t.Errorf("%d of %d visits at the same time, want 3 of 30: %+v", max, all, got)
	}
}

func TestSequentialVisitsOneSiteAfterTheOther(t *testing.T) {
	v := newVillage(t)
	m := &meeting{size: 1}
	args := append(webAddresses(v.serveMany(10, m.answer)), "-sequential")
	got := sitecheck(t.Context(), args...)
	if max, all := m.visits.get(); got.code != allAnswered || max != 1 || all != 10 {
		t.Errorf("%d of %d visits at the same time, want 1 of 10: %+v", max, all, got)
	}
}

func TestWithoutURLsTheLocalSitesAreCheckedInBothWays(t *testing.T) {
	sites := slices.Clone(tenSites)
	for i := range sites {
		sites[i].delay /= 100
	}
	defer func(all []localSite) { tenSites = all }(tenSites)
	tenSites = sites
	got := sitecheck(t.Context())
	if got.code != allAnswered || got.err != "" {
		t.Fatalf("exit code %d, on stderr %q:\n%s", got.code, got.err, got.out)
	}
	for _, site := range sites {
		if n := strings.Count(got.out, site.path+" "); n != 2 {
			t.Errorf("%s is in %d tables, want 2", site.path, n)
		}
	}
	for _, part := range []string{"10 sites on this machine, one after the other:\n",
		"\nThe same, all at once:\n",
		"\none after the other  ", "\nall at once          ", " times as fast\n"} {
		if !strings.Contains(got.out, part) {
			t.Errorf("%q is missing", part)
		}
	}
	if t.Failed() {
		t.Logf("the output is\n%s", got.out)
	}
	single := sitecheck(t.Context(), "-json")
	if records := readRecords(t, single.out); single.code != allAnswered || len(records) != 10 {
		t.Errorf("with -json: %+v", single)
	}
	single = sitecheck(t.Context(), "-sequential")
	if single.code != allAnswered || !strings.Contains(single.out, "\nall 10 sites answered, in ") {
		t.Errorf("with -sequential: %+v", single)
	}
}

func TestTheDelaysOfTheLocalSitesMakeTheDifferenceVisible(t *testing.T) {
	var sum, slowest time.Duration
	secure := 0
	for _, site := range tenSites {
		sum, slowest = sum+site.delay, max(slowest, site.delay)
		if site.secure {
			secure++
		}
	}
	if len(tenSites) != 10 || secure == 0 || secure == len(tenSites) {
		t.Errorf("%d sites, %d of them HTTPS", len(tenSites), secure)
	}
	if factor := float64(sum) / float64(slowest); factor < 6 {
		t.Errorf("without any overhead all at once would be %.1f times as fast, want 6 at least", factor)
	}
}

func TestATryThatFailedIsRepeatedIfItMayHelp(t *testing.T) {
	v := newVillage(t)
	for _, test := range []struct {
		name    string
		bad     stream.Handler
		retries int
		visits  int
		code    int
		row     string
	}{
		{"well at the second try", hangsUp, 1, 2, allAnswered, "200 OK (try 2)\n"},
		{"well at the second try of three", hangsUp, 2, 2, allAnswered, "200 OK (try 2)\n"},
		{"no retries", hangsUp, 0, 1, someDidNot,
			"FAILED  the site closed the connection without an answer\n"},
		{"hopeless", says("lalala\r\n"), 3, 1, someDidNot, `FAILED  not a website: it says "lalala\r\n"` +
			"\n"},
	} {
		var visits tally
		url := "http://" + v.serve(func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			visits.enter()
			if _, all := visits.get(); all == 1 {
				return test.bad(ctx, r, w)
			}
			return isWell(ctx, r, w)
		}) + "/"
		got := sitecheck(t.Context(), "-retries", fmt.Sprint(test.retries), url)
		if _, all := visits.get(); all != test.visits || got.code != test.code ||
			!strings.Contains(got.out, test.row) {
			t.Errorf("%s: %d visits, want %d; exit code %d, want %d; table, want %q in it:\n%s",
				test.name, all, test.visits, got.code, test.code, test.row, got.out)
		}
	}
}

func TestAllTriesAreMadeBeforeASiteIsGivenUp(t *testing.T) {
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		r := &row{url: "http://" + deadSite + "/"}
		s := &survey{limit: 1, timeout: patience, retries: 5}
		start := aio.RunningLoop(ctx).Time()
		if err := s.visit(ctx, r); err != nil {
			return err
		}
		if r.tries != 6 || r.err == nil {
			t.Errorf("%d tries, error %v; want 6 that fail", r.tries, r.err)
		}
		// The pauses are 0.1, 0.2, 0.4, 0.8 and 1.6 s, and a little for the network.
		if took, want := aio.RunningLoop(ctx).Time().Sub(start), 3100*time.Millisecond; took < want {
			t.Errorf("the tries took %v, want %v", took, want)
		}
		return nil
	}, aio.WithClock(&hastyClock{impatient: func() bool { return true }}))
	if err != nil {
		t.Error(err)
	}
}

// hastyClock is the clock of the machine, except that it jumps to the next timer when there is
// nothing else to do and the test says that nothing else will come.
type hastyClock struct {
	ahead     time.Duration
	impatient func() bool
}

func (c *hastyClock) Now() time.Time { return time.Now().Add(c.ahead) }

func (c *hastyClock) Advance(until time.Time) bool {
	if !c.impatient() {
		return false
	}
	c.ahead += max(0, until.Sub(c.Now()))
	return true
}

func TestTwoThousandSitesHaveTheirRowsAndLeaveNothingBehind(t *testing.T) {
	before := resourcesNow()
	t.Run("survey", surveyTwoThousandSites)
	if left := before.comeBack(); left != "" {
		t.Error(left)
	}
}

func surveyTwoThousandSites(t *testing.T) {
	const sites, limit = 2000, 500
	v := newVillage(t)
	certificate, roots, err := certs.SelfMade()
	if err != nil {
		t.Fatal(err)
	}
	var visits tally
	counted := func(handler stream.Handler) stream.Handler {
		return func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
			visits.enter()
			defer visits.leave()
			return handler(ctx, r, w)
		}
	}
	// Of twenty sites in a row one is dead, one slow, and so on.
	kinds := []struct {
		scheme    string
		addresses []string
		want      string
		positions []int
	}{
		{"http", slices.Repeat([]string{deadSite}, sites/20),
			"FAILED  connection refused: nothing listens there", []int{3}},
		{"http", v.serveMany(sites/20, counted(saysNothing)), "FAILED  no answer within 1m", []int{7}},
		{"http", v.serveMany(sites/20, counted(says(""))),
			"FAILED  the site closed the connection without an answer", []int{11}},
		{"http", v.serveMany(sites/20, counted(says("lalala\n"))),
			`FAILED  not a website: it says "lalala\n"`, []int{13}},
		{"https", v.serveMany(sites/10, counted(isWell), transport.TLS(
			&tls.Config{Certificates: []tls.Certificate{certificate}})), "200 OK", []int{0, 15}},
		{"http", v.serveMany(sites/10*7, counted(isWell)), "200 OK",
			[]int{1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 16, 17, 18, 19}},
	}
	urls, want := make([]string, sites), make([]string, sites)
	for _, k := range kinds {
		for i, address := range k.addresses {
			at := i/len(k.positions)*20 + k.positions[i%len(k.positions)]
			urls[at] = fmt.Sprintf("%s://%s/%d", k.scheme, address, at)
			want[at] = k.want
		}
	}
	rows := newRows(urls)
	// The slow sites are waited for in no time, once all others are done.
	done := 0
	clock := &hastyClock{impatient: func() bool {
		for done < sites && (rows[done].tries > 0 || done%20 == 7) {
			done++
		}
		return done == sites
	}}
	s := &survey{limit: limit, timeout: time.Minute, secure: &tls.Config{RootCAs: roots}}
	start := time.Now()
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		if err := s.allAtOnce(ctx, rows); err != nil {
			return err
		}
		if tasks := aio.AllTasks(ctx); len(tasks) != 1 {
			t.Errorf("%d tasks are left, want the main task alone: %v", len(tasks)-1, tasks)
		}
		return nil
	}, aio.WithClock(clock))
	t.Logf("%d sites in %v", sites, time.Since(start).Round(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		if got := r.result(); got != want[i] {
			t.Errorf("%s: %s, want %s (%v)", r.url, got, want[i], r.err)
		}
	}
	if max, all := visits.get(); max > limit || all != sites-sites/20 {
		t.Errorf("%d visits, %d at the same time; want %d and at most %d",
			all, max, sites-sites/20, limit)
	}
}
