package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// needNet skips the test where the suite net cannot run, and makes ready what
// it needs.
func needNet(t *testing.T) {
	t.Helper()
	if err := checkNet(); err != nil {
		t.Skip(err)
	}
	cleanup, err := prepareNet(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cleanup()
		os.Unsetenv(certEnv)
		os.Unsetenv(keyEnv)
	})
}

func TestTheNetSuiteRunsAtTinySizes(t *testing.T) {
	needNet(t)
	args := []string{"-suite", "net", "-json", "-rounds", "1", "-roundtime", "20ms", "-scale", "0.01",
		"-conns", "1,10,32,10000",
		"-rivals", "net,gnet,asyncio,fasthttp"}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != exitOK {
		t.Fatalf("the exit code is %d; stderr: %s", code, &stderr)
	}
	var rep report
	decoder := json.NewDecoder(&stdout)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&rep); err != nil {
		t.Fatal(err)
	}
	want := []string{"echo_protocol/10", "echo_stream/10", "echo_tls/10", "idle_memory_protocol/1000",
		"idle_memory_stream/1000", "sparse/1", "connect/32",
		"http_server/1", "http_body_post/1", "http_body_get/1", "http_client/1",
		"websocket/10", "idle_memory_websocket/1000", "sse/10"}
	var got []string
	for _, row := range rep.Rows {
		got = append(got, fmt.Sprintf("%s/%d", row.Work, row.Conns))
		for _, name := range []string{"aio", "net"} {
			if !(row.Results[name] > 0) {
				t.Errorf("%s: %s has the figure %v", row.Work, name, row.Results[name])
			}
			if rate := row.Rates[name]; row.Unit == cpuPerRequest && !(rate > 0) {
				t.Errorf("%s: %s has the rate %v", row.Work, name, rate)
			}
		}
		if row.Work == "echo_protocol" && !(row.Results["gnet"] > 0) {
			t.Errorf("gnet has the figure %v", row.Results["gnet"])
		}
		if strings.HasPrefix(row.Work, "http_") && !(row.Results["fasthttp"] > 0) {
			t.Errorf("fasthttp has the figure %v in %s", row.Results["fasthttp"], row.Work)
		}
	}
	if rep.Suite != "net" || !slices.Equal(got, want) {
		t.Errorf("suite %q has the rows %v, want %v", rep.Suite, got, want)
	}
	for name, reason := range rep.Absent {
		if name != "asyncio" && netLacks[name] == "" { // there may be no Python
			t.Errorf("%s is absent: %s", name, reason)
		}
	}
}

func TestEveryNetWorkIsServedByAioAndByItsBaseline(t *testing.T) {
	for _, w := range netSuite.works {
		for _, name := range []string{"aio", w.baseline} {
			if netServers[name][w.name] == nil {
				t.Errorf("%s does not serve %s", name, w.name)
			}
		}
		if loads[w.load] == nil {
			t.Errorf("%s has the load %q, which there is none of", w.name, w.load)
		}
	}
	for name, servers := range netServers {
		for w := range servers {
			if !slices.Contains(workNames(netSuite.works), w) {
				t.Errorf("%s serves %s, which is not in the suite", name, w)
			}
		}
	}
}

func TestTheNetSuiteHasARowForEachNumberOfConnections(t *testing.T) {
	var keys []string
	aims := 0
	for _, w := range netSuite.works {
		keys = append(keys, w.key())
		aims += len(w.aims)
	}
	want := "echo_protocol/10 echo_protocol/100 echo_protocol/1000 echo_stream/10 echo_stream/100 " +
		"echo_stream/1000 " +
		"echo_tls/10 echo_tls/100 echo_tls/1000 idle_memory_protocol/10000 idle_memory_stream/10000 " +
		"sparse/1 connect/32 " +
		"http_server/1 http_server/64 http_server/1000 http_body_post/1 http_body_post/64 " +
		"http_body_post/1000 " +
		"http_body_get/1 http_body_get/64 http_body_get/1000 " +
		"http_client/1 http_client/64 http_client/1000 " +
		"websocket/10 websocket/100 websocket/1000 idle_memory_websocket/10000 sse/10 sse/100 sse/1000"
	if got := strings.Join(keys, " "); got != want {
		t.Errorf("the rows are %s, want %s", got, want)
	}
	for key := range netAims {
		if !slices.Contains(keys, key) {
			t.Errorf("there is an aim for %s, but no such row", key)
		}
	}
	if aims != 27 {
		t.Errorf("there are %d aims, want 27", aims)
	}
}

func TestWhatAContestantDoesNotDoHasAReason(t *testing.T) {
	for _, w := range netSuite.works {
		for name, servers := range netServers {
			if (servers[w.name] == nil) != (netLacks[name+"/"+w.name] != "") {
				t.Errorf("%s/%s: served %v, reason for not doing so %q",
					name, w.name, servers[w.name] != nil, netLacks[name+"/"+w.name])
			}
		}
	}
}

func TestASuiteHasDefaultsOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		args   string
		rounds int
		round  time.Duration
		rivals int
		works  int
	}{
		{"", 9, 50 * time.Millisecond, len(suites["micro"].rivals), len(micro)},
		{"-suite net", 5, 500 * time.Millisecond, 8, 32},
		{"-suite net -rounds 3 -roundtime 1s -rivals net,gnet -work echo_stream,sparse", 3,
			time.Second, 2, 4},
		{"-suite net -conns 100 -rivals none", 5, 500 * time.Millisecond, 0, 5},
	} {
		parsed, err := parse(strings.Fields(c.args), io.Discard)
		if err != nil {
			t.Errorf("bench %s: %v", c.args, err)
			continue
		}
		if parsed.rounds != c.rounds || parsed.roundTime != c.round || len(parsed.rivals) != c.rivals ||
			len(parsed.works) != c.works {
			t.Errorf("bench %s: %d rounds of %v, %d works with rivals %v",
				c.args, parsed.rounds, parsed.roundTime, len(parsed.works), parsed.rivals)
		}
	}
}

func TestAWrongCommandLineForTheNetSuiteIsExplained(t *testing.T) {
	for _, c := range []struct{ args, says string }{
		{"-suite net -rivals trio", `no rival "trio" in this suite; there are: net, gnet,`},
		{"-suite net -work yield",
			`no work "yield"; there are: echo_protocol, echo_stream, echo_tls, idle_memory_protocol,`},
		{"-suite net -conns few", `-conns: "few" is not a positive number`},
		{"-suite net -conns 7", "no work has 7 connections"},
		{"-suite net -profile ./not/there", "there is no folder ./not/there"},
		{"-conns 100", "-conns is for the suite net"},
		{"-profile .", "-profile is for the suite net"},
	} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), strings.Fields(c.args), &stdout, &stderr); code != exitUsage {
			t.Errorf("bench %s exits with %d, want %d", c.args, code, exitUsage)
		}
		if stdout.Len() > 0 || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("bench %s says %q and %q, want nothing and %q", c.args, &stdout, &stderr, c.says)
		}
	}
}

func TestFiguresAreTakenFromWhatTheLoadGeneratorSaw(t *testing.T) {
	r := loadResult{
		Ops:     1000,
		Elapsed: 500 * time.Millisecond,
		CPU:     5 * time.Millisecond,
		Memory:  4_000_000,
	}
	for _, c := range []struct {
		unit         string
		figure, rate float64
	}{{cpuPerRequest, 5, 2000}, {connsPerSecond, 2000, 0}, {bytesPerConn, 4000, 0}} {
		if figure, rate := (work{unit: c.unit}).figure(r); figure != c.figure || rate != c.rate {
			t.Errorf("in %s it is %v with rate %v, want %v and %v", c.unit, figure, rate, c.figure, c.rate)
		}
	}
}

// A fakeServer answers with costs that it is told.
type fakeServer struct {
	name string
	hall *fakeNetHall
	cost []time.Duration // of each round; 0: the round fails
}

// A fakeNetHall records what its servers were asked.
type fakeNetHall struct {
	rounds      []string
	others      []float64 // CPUs used by others, by round
	open, opens int
}

func (s *fakeServer) load(_ context.Context, spec loadSpec) (loadResult, error) {
	s.hall.rounds = append(s.hall.rounds, fmt.Sprint(s.name, spec.Round))
	cost := s.cost[spec.Round]
	if cost == 0 {
		return loadResult{}, errBroken
	}
	result := loadResult{Ops: 10, CPU: 10 * cost, Elapsed: spec.Window}
	if spec.Round < len(s.hall.others) {
		result.Others = s.hall.others[spec.Round]
	}
	return result, nil
}

func (s *fakeServer) close() error { s.hall.open--; return nil }

func (h *fakeNetHall) seat(name string, cost ...time.Duration) *netSeat {
	return &netSeat{name: name, open: func(context.Context) (server, error) {
		h.open++
		h.opens++
		return &fakeServer{name: name, hall: h, cost: cost}, nil
	}}
}

func (h *fakeNetHall) runner(rounds int) *netRunner {
	return &netRunner{rounds: rounds, window: time.Second, progress: func(int, int) {}}
}

const us = time.Microsecond

func TestServersAreLoadedInTurnAndTheMedianCounts(t *testing.T) {
	h := &fakeNetHall{}
	w := work{
		name:     "echo",
		unit:     cpuPerRequest,
		conns:    100,
		baseline: "net",
		aims:     []aim{{max: 0.8, rival: "net"}},
	}
	seats := []*netSeat{h.seat("aio", 5*us, 4*us, 60*us), h.seat("net", 8*us, 7*us, 9*us)}
	if err := h.runner(3).run(t.Context(), w, seats); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(h.rounds, " "); got != "aio0 net0 net1 aio1 net2 aio2" {
		t.Errorf("the rounds were %s", got)
	}
	if h.opens != 2 || h.open != 0 {
		t.Errorf("%d servers were started and %d are left, want 2 and none", h.opens, h.open)
	}
	got := newNetRow(w, 2, seats, 3)
	if got.Conns != 100 || got.Procs != 2 || got.Results["aio"] != 5 || got.Results["net"] != 8 ||
		got.Rates["aio"] != 10 {
		t.Errorf("the row is %+v", got)
	}
	rep := report{Rows: []row{got}}
	if ratio, ok := rep.ratio(got, w.aims[0]); !ok || ratio != 0.625 {
		t.Errorf("the ratio is %v, want 0.625", ratio)
	}
}

func TestAServerThatFailsIsOutAndTheOthersGoOn(t *testing.T) {
	h := &fakeNetHall{}
	w := work{name: "echo", unit: cpuPerRequest}
	seats := []*netSeat{h.seat("aio", 5*us, 0, 5*us), h.seat("net", 8*us, 7*us, 9*us)}
	if err := h.runner(3).run(t.Context(), w, seats); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(seats[0].err, errBroken) || seats[1].err != nil || h.open != 0 {
		t.Errorf("the errors are %v and %v, %d servers are left", seats[0].err, seats[1].err, h.open)
	}
	if got := newNetRow(w, 2, seats, 3); len(got.Results) != 1 || got.Results["net"] != 8 {
		t.Errorf("the row has %v, want net alone", got.Results)
	}
}

func TestWhereMemoryIsMeasuredEachRoundHasANewServer(t *testing.T) {
	h := &fakeNetHall{}
	seats := []*netSeat{h.seat("aio", 5*us, 5*us, 5*us, 5*us, 5*us)}
	if err := h.runner(5).run(t.Context(), work{unit: cpuPerRequest, fresh: true}, seats); err != nil {
		t.Fatal(err)
	}
	if h.opens != 3 || len(seats[0].samples) != 3 {
		t.Errorf("%d servers for %d figures, want 3 for 3", h.opens, len(seats[0].samples))
	}
}

func TestRoundsThatOthersDisturbAreMadeUpFor(t *testing.T) {
	h := &fakeNetHall{others: []float64{0, 0.9, 0.1, 0.3, 0.05, 0}}
	w := work{name: "echo", unit: cpuPerRequest}
	seats := []*netSeat{h.seat("aio", 5*us, 60*us, 7*us, 50*us, 9*us, 100*us)}
	if err := h.runner(3).run(t.Context(), w, seats); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(h.rounds, " "); got != "aio0 aio1 aio2 aio3 aio4" {
		t.Errorf("the rounds were %s; three in peace are enough", got)
	}
	if got := newNetRow(w, 2, seats, 3); got.Results["aio"] != 7 || *got.Others != 0.05 {
		t.Errorf("the row is %+v, others used %v CPUs", got, *got.Others)
	}
}

func TestOnABusyMachineTheRoundsAreTwiceAsManyAndItIsSaid(t *testing.T) {
	h := &fakeNetHall{others: []float64{0.5, 0.6, 0.4, 0.3}}
	w := work{name: "echo", unit: cpuPerRequest, about: "there and back"}
	seats := []*netSeat{h.seat("aio", 5*us, 6*us, 7*us, 8*us)}
	if err := h.runner(2).run(t.Context(), w, seats); err != nil {
		t.Fatal(err)
	}
	rep := report{Rows: []row{newNetRow(w, 2, seats, 2)}}
	var out bytes.Buffer
	rep.writeRow(&out, w, []string{"aio"})
	if len(h.rounds) != 4 || !strings.Contains(out.String(), "aio              7.50 cpu_us/req") ||
		!strings.Contains(out.String(), "others used 0.35 CPUs meanwhile") {
		t.Errorf("after the rounds %v the block is\n%s", h.rounds, &out)
	}
}

func TestAnInterruptEndsTheServersOfARow(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h := &fakeNetHall{}
	seats := []*netSeat{h.seat("aio", 5*us, 5*us), h.seat("net", 5*us, 5*us)}
	r := h.runner(2)
	r.progress = func(done, of int) {
		if done == 1 {
			cancel()
		}
	}
	if err := r.run(ctx, work{unit: cpuPerRequest}, seats); !errors.Is(err, context.Canceled) ||
		h.open != 0 {
		t.Errorf("the row ended with %v and %d servers left", err, h.open)
	}
}

func TestAServerEndsWithItsInput(t *testing.T) {
	needNet(t)
	for _, name := range []string{"aio", "net", "gnet"} {
		e := newNetEntrant(name)
		if err := e.probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		s, err := e.serve(t.Context(), work{name: "echo_protocol"}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.close(); err != nil {
			t.Errorf("%s ended with %v", name, err)
		}
	}
}

func TestAServerThatDoesNotKnowTheWorkSaysSo(t *testing.T) {
	_, err := newNetEntrant("net").serve(t.Context(), work{name: "ehco"}, 1)
	if err == nil || !strings.Contains(err.Error(), `no work "ehco"`) {
		t.Errorf("the error is %v", err)
	}
}

// misbehave serves in this process, in ways that no contestant should.
func misbehave(t *testing.T, serve func(net.Conn)) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serve(conn)
			conn.Close()
		}
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return ln.Addr().(*net.TCPAddr).Port
}

func TestAServerThatAnswersWronglyGetsNoFigure(t *testing.T) {
	needNet(t)
	for _, c := range []struct {
		about string
		serve func(net.Conn)
		says  string
	}{
		{"closes", func(conn net.Conn) { io.ReadFull(conn, make([]byte, requestSize)) }, "EOF"},
		{"answers something else", func(conn net.Conn) {
			io.ReadFull(conn, make([]byte, requestSize))
			conn.Write(make([]byte, requestSize))
			io.Copy(io.Discard, conn)
		}, "the answer is not the request"},
		{"answers too much", func(conn net.Conn) {
			p := make([]byte, requestSize)
			for {
				if _, err := io.ReadFull(conn, p); err != nil {
					return
				}
				conn.Write(append(p, p[:1]...))
			}
		}, "the answer is "},
	} {
		spec := loadSpec{
			Kind:   "echo",
			Port:   misbehave(t, c.serve),
			PID:    os.Getpid(),
			Conns:  1,
			Window: time.Minute,
			Warm:   time.Minute,
		}
		if _, err := runLoad(t.Context(), spec); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("a server that %s: the error is %v, want %q in it", c.about, err, c.says)
		}
	}
}

func TestProfilesAreWrittenForEachGoServer(t *testing.T) {
	needNet(t)
	dir := t.TempDir()
	args := []string{"-suite", "net", "-work", "echo_stream", "-conns", "10", "-rivals", "net",
		"-rounds", "1", "-roundtime", "10ms", "-procs", "1", "-profile", dir}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != exitOK {
		t.Fatalf("the exit code is %d; stderr: %s", code, &stderr)
	}
	for _, name := range []string{"aio", "net"} {
		if info, err := os.Stat(filepath.Join(dir, "echo_stream-10-procs1-"+name+".pprof")); err != nil ||
			info.Size() == 0 {
			t.Errorf("the profile of %s: %v", name, err)
		}
	}
	for _, says := range []string{"echo_stream, conns=10, GOMAXPROCS=1: 1 KiB there and back, a " +
		"task a connection\n", "cpu_us/req", "/s  ", "a goroutine a connection\n"} {
		if !strings.Contains(stdout.String(), says) {
			t.Errorf("%q is not in\n%s", says, &stdout)
		}
	}
}

func TestAnAimMayBeAFigure(t *testing.T) {
	w := work{
		name:  "sparse",
		unit:  cpuPerRequest,
		about: "now and then",
		conns: 1,
		aims:  []aim{{max: 25}},
	}
	rep := report{
		Absent: map[string]string{"gnet/sparse/1": "it broke"},
		Rows: []row{{Work: "sparse", Conns: 1, Procs: 2, Results: map[string]float64{"aio": 20},
			Rates: map[string]float64{"aio": 199}}},
	}
	var out bytes.Buffer
	rep.writeRow(&out, w, []string{"aio", "gnet"})
	const want = `sparse, conns=1, GOMAXPROCS=2: now and then
  aio              20.0 cpu_us/req  ± 0%      199/s
  gnet       failed: it broke
  aim: aio at most 25.0 cpu_us/req: 20.0, met

`
	if out.String() != want {
		t.Errorf("the block is\n%s\nwant\n%s", &out, want)
	}
}
