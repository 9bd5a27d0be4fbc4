package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/transport"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

var domains = clitest.Program(func(ctx context.Context, args []string, std cli.Streams) int {
	return run(ctx, args, std)
})

func TestNamesAreMadeOfTheShortKeywords(t *testing.T) {
	got, err := domainsOf(".DEV.", 4)
	want := strings.Fields(
		"go.dev if.dev for.dev map.dev var.dev case.dev chan.dev else.dev func.dev goto.dev type.dev")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
	if got, err = domainsOf("com.br", 2); err != nil ||
		!slices.Equal(got, []string{"go.com.br", "if.com.br"}) {
		t.Errorf("%q, %v", got, err)
	}
	if got := keywords(100); len(got) != 25 {
		t.Errorf("%d keywords, want the 25 of Go: %q", len(got), got)
	}
}

// phoneBook is a network in which names take a while to be looked up.
type phoneBook struct {
	transport.Network
	names map[string]entry
}

type entry struct {
	delay time.Duration
	err   error
}

func (p phoneBook) LookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	e, ok := p.names[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if err := aio.Sleep(ctx, e.delay); err != nil {
		return nil, err
	}
	if e.err != nil {
		return nil, e.err
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

var book = map[string]entry{
	"go.dev":  {delay: 3 * time.Second},
	"var.dev": {delay: time.Second},
	"if.dev":  {delay: time.Hour},
	"for.dev": {delay: 2 * time.Second, err: &net.DNSError{
		Err:  "server misbehaving",
		Name: "for.dev",
	}},
	"case.dev": {delay: time.Millisecond},
	"func.dev": {delay: time.Millisecond, err: &net.DNSError{
		Err:       "i/o timeout",
		Name:      "func.dev",
		IsTimeout: true,
	}},
}

// offline runs the program under a virtual clock, with names of the test's own.
func offline(t *testing.T, args ...string) clitest.Outcome {
	ctx := transport.WithNetwork(t.Context(), phoneBook{names: book})
	return clitest.Program(func(ctx context.Context, args []string, std cli.Streams) int {
		return run(ctx, args, std, aio.WithClock(aio.NewVirtualClock()))
	}).Run(ctx, args...)
}

func TestAnswersArePrintedInTwoColumnsAsTheyCome(t *testing.T) {
	got := offline(t, "dev")
	want := `FOUND     NOT FOUND
=====     =========
          map.dev
          chan.dev
          else.dev
          goto.dev
          type.dev
case.dev
var.dev
go.dev

3 of 11 found in 5.00 s, by the system's name servers
not known: func.dev: the name server does not answer
not known: for.dev: server misbehaving
not known: if.dev: no answer within 5s
`
	if got.Code != cli.Failed || got.Out != want || got.Err != "" {
		t.Errorf("%+v, want\n%s", got, want)
	}
}

func TestMarksAndJSON(t *testing.T) {
	got := offline(t, "-marks", "-max", "3", "dev", "-timeout", "2h", "org")
	if !strings.HasPrefix(got.Out, "  map.dev\n  go.org\n  if.org\n  for.org\n  map.org\n  "+
		"var.org\n+ var.dev\n+ go.dev\n+ if.dev\n\n3 of 10 found in 3600.00 s") {
		t.Errorf("%+v", got)
	}
	got = offline(t, "-json", "-max", "3", "dev")
	var names []string
	for line := range strings.Lines(got.Out) {
		var r struct {
			Domain       string
			Found        bool
			Error        string
			Milliseconds float64
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		names = append(names, fmt.Sprint(r.Domain, " ", r.Found, " ", r.Milliseconds, " ", r.Error))
	}
	want := []string{"map.dev false 0 ", "var.dev true 1000 ", "for.dev false 2000 server misbehaving",
		"go.dev true 3000 ", "if.dev false 5000 no answer within 5s"}
	if got.Code != cli.Failed || !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

// probeAll runs body with a prober whose answers take as many seconds as the names have letters.
func probeAll(t *testing.T, limit int, body func(ctx context.Context, p *prober, open *int)) {
	t.Helper()
	open := 0
	p := &prober{limit: limit, timeout: time.Hour,
		lookup: func(ctx context.Context, domain string) (bool, error) {
			open++
			defer func() { open-- }()
			return true, aio.Sleep(ctx, time.Duration(len(domain))*time.Second)
		}}
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		body(ctx, p, &open)
		if tasks := aio.AllTasks(ctx); len(tasks) != 1 || open != 0 {
			t.Errorf("%d tasks and %d questions are left", len(tasks)-1, open)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		t.Error(err)
	}
}

func TestALoopOverTheAnswersMayBeLeftAndMayWait(t *testing.T) {
	probeAll(t, 10, func(ctx context.Context, p *prober, open *int) {
		var got []string
		for r, err := range p.multiProbe(ctx, []string{"aaaa", "bb", "ccc", "d"}) {
			if err != nil {
				t.Error(err)
			}
			got = append(got, fmt.Sprint(r.domain, " ", *open))
			if len(got) == 3 {
				break
			}
			if err := aio.Sleep(ctx, 1500*time.Millisecond); err != nil {
				t.Error(err)
			}
		}
		// While the loop waited, other answers came.
		if want := []string{"d 3", "bb 2", "ccc 0"}; !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

func TestTheLimitIsKept(t *testing.T) {
	most := 0
	probeAll(t, 3, func(ctx context.Context, p *prober, open *int) {
		n := 0
		for r, err := range p.multiProbe(ctx, []string{"a", "b", "c", "d", "e", "f", "g", "h"}) {
			if err != nil || !r.found {
				t.Error(r, err)
			}
			most = max(most, *open)
			n++
		}
		if n != 8 || most > 3 {
			t.Errorf("%d answers, %d questions at the same time, want 8 and at most 3", n, most)
		}
	})
}

func TestALoopThatIsCancelledGetsTheError(t *testing.T) {
	probeAll(t, 10, func(ctx context.Context, p *prober, _ *int) {
		err := aio.Timeout(ctx, 90*time.Second, func(ctx context.Context) error {
			var last error
			for _, err := range p.multiProbe(ctx, []string{"a", strings.Repeat("b", 100)}) {
				last = err
			}
			return last
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, want the time-out", err)
		}
	})
}

func TestWithoutArgumentsANameserverOfItsOwnIsAsked(t *testing.T) {
	defer func(was func(string) (bool, time.Duration)) { madeUp = was }(madeUp)
	madeUp = func(domain string) (bool, time.Duration) {
		return domain == "go.dev" || domain == "type.dev", 0
	}
	got := domains.Run(t.Context())
	if got.Code != cli.OK || got.Err != "" ||
		!strings.HasSuffix(got.Out, " s, by a name server of its own, whose answers are made up\n") {
		t.Errorf("%+v", got)
	}
	for _, line := range []string{"\ngo.dev\n", "\ntype.dev\n", "\n          map.dev\n",
		"\n2 of 11 found in "} {
		if !strings.Contains(got.Out, line) {
			t.Errorf("%q is missing in\n%s", line, got.Out)
		}
	}
	if exists, delay := was("go.dev"); delay < 50*time.Millisecond || delay > 500*time.Millisecond {
		t.Errorf("made up: %v, %v", exists, delay)
	}
}

var was = madeUp

func TestAnotherNameserverMayBeNamed(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	addr, done := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(done)
		aio.Run(ctx, func(ctx context.Context) error {
			s := &nameserver{make: func(domain string) (bool, time.Duration) {
				if strings.HasSuffix(domain, ".mute.test") {
					return false, -1 // never
				}
				return domain == "go.x.test", 0
			}}
			if _, err := transport.Endpoint(ctx, "udp4", "127.0.0.1:0", "", s); err != nil {
				return err
			}
			s.DatagramReceived([]byte("nonsense"), netip.AddrPort{}) // is passed over
			addr <- s.addr()
			_, err := aio.NewFuture[aio.None](ctx).Await(ctx)
			return err
		})
	}()
	defer func() { cancel(); <-done }()
	server := <-addr
	got := domains.Run(t.Context(), "-dns", server, "-max", "2", "x.test")
	if got.Code != cli.OK || !strings.HasPrefix(got.Out,
		"FOUND      NOT FOUND\n=====      =========\n") || !strings.Contains(got.Out, "\ngo.x.test\n") ||
		!strings.Contains(got.Out, "\n           if.x.test\n") ||
		!strings.HasSuffix(got.Out, " s, by "+server+"\n") {
		t.Errorf("%+v", got)
	}
	got = domains.Run(t.Context(), "-dns", server, "-timeout", "20ms", "-max", "2", "mute.test")
	if got.Code != cli.Failed || !strings.Contains(got.Out, "\n0 of 2 found in ") ||
		strings.Count(got.Out, ".mute.test: no answer within 20ms\n") != 2 {
		t.Errorf("%+v", got)
	}
}

func TestMistakesAreExplained(t *testing.T) {
	for args, want := range map[string]string{
		"-speed 7":      "flag provided but not defined: -speed",
		"-max 1 dev":    "-max is 1; the shortest keywords have 2 letters",
		"-limit 0":      "-limit is 0; it must be at least 1",
		"-timeout -1s":  "-timeout is -1s; it must be more than 0",
		"-dns x -local": "-dns and -local exclude each other",
		"-dns x":        `-dns is "x"; it must be HOST:PORT, as in 127.0.0.1:53`,
		"com..br":       `"com..br" is no domain: a part of it is empty`,
		".":             `"" is no domain: a part of it is empty`,
		"рф":            `"рф" is no domain: it may have letters, digits and hyphens; others are written as in xn--p1ai`,
		"a -dev":        "flag provided but not defined: -dev",
		"dev-":          `"dev-" is no domain: a part of it begins or ends with a hyphen`,
	} {
		got := domains.Run(t.Context(), strings.Fields(args)...)
		if got.Code != cli.BadUsage || got.Out != "" ||
			got.Err != "domains: "+want+"\nTry domains -help.\n" {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
	for _, label := range []string{strings.Repeat("x", 64), strings.Repeat("x.", 125) + "x"} {
		if got := domains.Run(t.Context(), label); got.Code != cli.BadUsage {
			t.Errorf("%+v", got)
		}
	}
	if got := domains.Run(t.Context(), "-help"); got.Code != cli.OK || got.Out != usage {
		t.Errorf("%+v", got)
	}
}

func TestCtrlCTellsHowFarItGot(t *testing.T) {
	ctx, cancel := context.WithCancel(transport.WithNetwork(t.Context(),
		phoneBook{names: map[string]entry{"if.dev": {delay: 100 * time.Hour}}}))
	out := clitest.NewConsole()
	var stderr strings.Builder
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"-max", "2", "-timeout", "100h", "dev"}, cli.Streams{
			Out: out,
			Err: &stderr,
		})
	}()
	out.Await(t, "go.dev")
	cancel()
	if code := <-code; code != cli.Interrupted ||
		stderr.String() != "domains: interrupted: 1 of 2 names asked for, 0 found\n" {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}
