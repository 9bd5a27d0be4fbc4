package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/internal/looptest"
	"github.com/aio-go/aio/monitor"
	"github.com/aio-go/aio/stream"
)

func TestMain(m *testing.M) {
	looptest.Parts["stuck"] = func() { play(stuckServer) }
	looptest.Parts["asleep"] = func() { play(asleep) }
	looptest.Parts["computes"] = func() { play(computes) }
	looptest.Parts["counts"] = func() { play(counts) }
	looptest.Parts["spins"] = func() { play(spins) }
	looptest.Parts["many"] = func() { play(many) }
	looptest.Parts["busy"] = func() { play(pingPong) }
	looptest.Parts["top"] = func() {
		os.Exit(run(context.Background(), []string{"top", os.Getenv("AIO_TEST_PID")}, os.Stdout, os.Stderr))
	}
	looptest.Main(m)
}

// blocksAt is the line at which a part will block its loop.
var blocksAt int

// lineBelow returns the line that is so many lines below that of the caller.
func lineBelow(lines int) int {
	_, _, line, _ := runtime.Caller(1)
	return line + lines
}

// play runs a program that says when it is in its state, and ends with its standard input.
func play(main func(ctx context.Context, ready func()) error) {
	go func() {
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}()
	_ = aio.Run(context.Background(), func(ctx context.Context) error {
		return main(ctx, func() { fmt.Println("ready", blocksAt) })
	})
}

// stuckServer has 300 tasks. Three wait for a lock whose holder waits for a client.
func stuckServer(ctx context.Context, ready func()) error {
	var lock aiosync.Lock
	server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		return holdWhileReading(ctx, &lock, r)
	})
	if err != nil {
		return err
	}
	_, silent, err := stream.Open(ctx, "tcp", server.Addrs()[0].String())
	if err != nil {
		return err
	}
	defer silent.Close()
	for !lock.Locked() {
		if err := aio.Sleep(ctx, time.Millisecond); err != nil {
			return err
		}
	}
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for n := range 3 {
			g.Go(lock.Acquire, aio.Name(fmt.Sprintf("stuck-%d", n)))
		}
		for n := range 295 {
			g.Go(looptest.Forever, aio.Name(fmt.Sprintf("idle-%d", n)))
		}
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		ready()
		return looptest.Forever(ctx)
	})
}

func holdWhileReading(ctx context.Context, lock *aiosync.Lock, r *stream.Reader) error {
	return lock.With(ctx, func(ctx context.Context) error {
		blocksAt = lineBelow(1)
		_, err := r.ReadLine(ctx)
		return err
	})
}

func asleep(_ context.Context, ready func()) error {
	sleepHere(ready)
	return nil
}

func sleepHere(ready func()) {
	blocksAt = lineBelow(2)
	ready()
	time.Sleep(time.Hour) // a blocked loop is what the test looks at
}

func computes(_ context.Context, ready func()) error {
	blocksAt = lineBelow(2)
	ready()
	for n := uint64(1); n != 0; n = n*6364136223846793005 | 1 {
	}
	return nil
}

func counts(_ context.Context, ready func()) error {
	blocksAt = lineBelow(2)
	ready()
	for i := 0; i < math.MaxInt; i++ {
	}
	return nil
}

func spins(_ context.Context, ready func()) error {
	blocksAt = lineBelow(3)
	ready()
	//lint:ignore SA5002 such a loop is what the test looks at
	for {
	}
}

// pingPong has two tasks that wake each other every millisecond.
func pingPong(ctx context.Context, ready func()) error {
	queue := aiosync.NewQueue[int](1)
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		g.Go(func(ctx context.Context) error {
			for {
				if _, err := queue.Get(ctx); err != nil {
					return err
				}
			}
		}, aio.Name("pong"))
		g.Go(func(ctx context.Context) error {
			for {
				if err := queue.Put(ctx, 1); err != nil {
					return err
				}
				if err := aio.Sleep(ctx, time.Millisecond); err != nil {
					return err
				}
			}
		}, aio.Name("ping"))
		ready()
		return nil
	})
}

func many(ctx context.Context, ready func()) error {
	var lock aiosync.Lock
	if err := lock.Acquire(ctx); err != nil {
		return err
	}
	return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
		for n := range 10_000 {
			g.Go(lock.Acquire, aio.Name(fmt.Sprintf("many-%d", n)))
		}
		if err := aio.Sleep(ctx, 10*time.Millisecond); err != nil {
			return err
		}
		ready()
		return looptest.Forever(ctx)
	})
}

// child starts this test binary in a part, with a monitor, and returns its number when it is ready.
func child(t *testing.T, part string, env ...string) (pid string) {
	t.Helper()
	pid, _ = childAt(t, part, env...)
	return pid
}

// childAt is child for a part that blocks its loop, and also returns at which line.
func childAt(t *testing.T, part string, env ...string) (pid string, line int) {
	t.Helper()
	looptest.NeedProcesses(t)
	if runtime.GOOS == "windows" {
		t.Skip("parts are played on Unix")
	}
	dir, err := os.MkdirTemp("", "aio") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("XDG_RUNTIME_DIR", dir)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), append([]string{"AIO_MONITOR=1", "AIO_TEST_PART=" + part}, env...)...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	said, err := bufio.NewReader(out).ReadString('\n')
	if n, _ := fmt.Sscanf(said, "ready %d\n", &line); err != nil || n != 1 {
		t.Fatalf("the child says %q: %v", said, err)
	}
	return strconv.Itoa(cmd.Process.Pid), line
}

// call runs the command and returns its output and exit code.
func call(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, &o, &e)
	return o.String(), e.String(), code
}

func want(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("there is no %q in:\n%s", part, text)
		}
	}
}

// Of 300 tasks three are stuck behind a lock whose holder waits for a reader.
func TestWhyNamesTheCulpritAndItsLine(t *testing.T) {
	pid, line := childAt(t, "stuck")
	out, errs, code := call(t, "why", pid, "stuck-1")
	if code != ok || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	want(t, out, "stuck-1 (task ", " in Lock.Acquire for <Lock locked, waiters:3> held by stream handler for 127.0.0.1:",
		" in Reader.ReadLine for Reader of 127.0.0.1:", "    at github.com/aio-go/aio/cmd/aio.", "holdWhileReading", fmt.Sprintf(" main_test.go:%d\n", line),
		"stream handler for 127.0.0.1:", " holds it up: it waits ")
	t.Log("\n" + out)

	out, errs, code = call(t, "why", pid)
	if code != ok || errs != "" {
		t.Fatalf("without a task: exit code %d: %s", code, errs)
	}
	want(t, out, " in Lock.Acquire for <Lock locked, waiters:3> held by stream handler for 127.0.0.1:",
		" holds it up: it waits ", " more wait for other tasks; aio ps lists them, aio why PID TASK explains")

	out, _, code = call(t, "ps", pid)
	lines := strings.Split(out, "\n")
	if code != ok || len(lines) < 300 || !strings.Contains(lines[1], "stream handler") && !strings.Contains(lines[2], "stream handler") {
		t.Errorf("exit code %d, the first of %d lines: %s", code, len(lines), strings.Join(lines[:3], "\n"))
	}
	out, _, code = call(t, "top", pid, "-n", "3")
	if lines := strings.Split(out, "\n"); code != ok || len(lines) != 6 {
		t.Errorf("exit code %d: %s", code, out)
	}
	want(t, out, "stream handler")
	out, _, _ = call(t, "tree", pid)
	want(t, out, "stuck-2 (waiting in Lock.Acquire)", "main (waiting in forever")
	if out, _, code = call(t, "ps"); code != ok {
		t.Errorf("exit code %d", code)
	}
	want(t, out, "PID  ", pid, "answers", "aio.test")
	var chain aio.Chain
	out, _, _ = call(t, "-json", "why", pid, "stuck-0")
	if err := json.Unmarshal([]byte(out), &chain); err != nil || len(chain.Tasks) != 2 || !strings.Contains(chain.Culprit().At, "holdWhileReading") {
		t.Errorf("%v, %s", err, out)
	}
	var p monitor.Picture
	out, _, _ = call(t, "dump", pid)
	if err := json.Unmarshal([]byte(out), &p); err != nil || strconv.Itoa(p.PID) != pid || len(p.Loops) != 1 || p.Loops[0].Live < 300 {
		t.Errorf("%v, %+v", err, p)
	}
}

func TestALoopThatSleepsOrComputesIsNamedWithItsLine(t *testing.T) {
	for part, c := range map[string]struct{ state, at, advice string }{
		"asleep":   {"sleep", "sleepHere main_test.go:LINE", "by time.Sleep; use aio.Sleep"},
		"computes": {"runn", "computes main_test.go:LINE", "the loop is blocked; move"},
		"counts":   {"runn", "counts main_test.go:LINE", "the loop is blocked; move"},
		// The compiler gives the jump of such a loop no line, unless it is told not to optimise.
		"spins": {"runn", "spins main_test.go(:LINE)?", "the loop is blocked; move"},
	} {
		t.Run(part, func(t *testing.T) {
			pid, line := childAt(t, part)
			begin := time.Now()
			out, errs, code := call(t, "ps", pid)
			t.Logf("it answers after %v", time.Since(begin))
			if code != busy || errs != "" {
				t.Errorf("exit code %d: %s", code, errs)
			}
			want(t, out, "task 1, main, is in it ("+c.state, c.advice, "has not answered for")
			at := regexp.MustCompile(`cmd/aio\.` + strings.Replace(c.at, "LINE", strconv.Itoa(line), 1) + `\n`)
			if !at.MatchString(out) {
				t.Errorf("it does not say %s:\n%s", at, out)
			}
			if out, _, code = call(t, "ps"); code != ok {
				t.Errorf("exit code %d", code)
			}
			want(t, out, "stands still for", "main_test.go")
		})
	}
}

func TestCancelEndsATaskIfTheProgramAllowsIt(t *testing.T) {
	pid := child(t, "stuck")
	if out, errs, code := call(t, "cancel", pid, "stuck-1"); code != failed || !strings.Contains(errs, "allows no control") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	pid = child(t, "stuck", "AIO_MONITOR=cancel")
	if out, errs, code := call(t, "cancel", pid, "idle-7", "-reason", "a test"); code != ok || !strings.Contains(out, "cancelled task ") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if _, errs, code := call(t, "cancel", pid, "nobody"); code != missing || !strings.Contains(errs, "has no task nobody") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestArgumentsThatAreWrongHaveAnExitCodeAndALine(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"", misused, "no command"},
		{"dance", misused, "no command \"dance\""},
		{"why", misused, "wrong number of arguments"},
		{"ps -sort x", misused, "-sort is"},
		{"ps -x", misused, "flag provided but not defined"},
		{"ps abc", misused, "neither a process number nor an address"},
		{"ps 999999999", missing, "there is no process 999999999"},
		{"ps " + strconv.Itoa(os.Getpid()), missing, "start it with AIO_MONITOR=1"},
		{"ps /nowhere/s", failed, "no such file"},
		{"completion fish", misused, "bash"},
	} {
		out, errs, code := call(t, strings.Fields(c.args)...)
		if code != c.code || !strings.Contains(errs, c.want) || strings.Count(errs, "\n") != 1 || out != "" {
			t.Errorf("aio %s: exit code %d, %q, %q", c.args, code, errs, out)
		}
	}
	if out, _, code := call(t, "--help"); code != ok || !strings.Contains(out, "usage: aio COMMAND") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if out, _, code := call(t, "completion", "bash"); code != ok || !strings.Contains(out, "complete -F _aio aio") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestLocksTellsForWhatHowManyTasksWait(t *testing.T) {
	pid := child(t, "stuck")
	out, errs, code := call(t, "locks", pid, "-n", "1")
	if code != ok || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	want(t, out, "Lock.Acquire  <Lock locked, waiters:3> held by stream handler")
	if strings.Count(out, "\n") != 2 || !strings.HasPrefix(strings.Split(out, "\n")[1], "1     3 ") {
		t.Errorf("it says\n%s", out)
	}
	var rows []map[string]any
	if out, _, _ = call(t, "locks", pid, "-json"); json.Unmarshal([]byte(out), &rows) != nil || rows[0]["waiters"] != 3.0 {
		t.Errorf("the JSON is %s", out)
	}
}

func TestRecordTellsWhatALoopDidLast(t *testing.T) {
	pid := child(t, "stuck", "AIO_RECORD=1")
	out, errs, code := call(t, "record", pid)
	if code != ok || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	want(t, out, "process "+pid+", loop 1", "made      stuck-2", "step      stuck-2  by main", "step      main  after Sleep  by timer main")

	file := filepath.Join(t.TempDir(), "recording")
	if out, errs, code := call(t, "record", pid, "-o", file); code != ok || out != "" {
		t.Fatalf("exit code %d: %s%s", code, out, errs)
	}
	if _, errs, code := call(t, "record", pid, "-o", file); code != failed || !strings.Contains(errs, "file exists") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	// the loop may have gone on between the two
	_, events, _ := strings.Cut(out, "\n")
	if again, _, code := call(t, "record", file); code != ok || !strings.Contains(again, events) {
		t.Errorf("exit code %d, the file says\n%s", code, again)
	}
	out, _, code = call(t, "record", file, "-trace")
	var trace struct {
		TraceEvents []map[string]any `json:"traceEvents"`
	}
	if err := json.Unmarshal([]byte(out), &trace); err != nil || code != ok || len(trace.TraceEvents) < 1000 {
		t.Errorf("exit code %d, %v, %d events", code, err, len(trace.TraceEvents))
	}
	out, _, _ = call(t, "record", pid, "-n", "1", "-json")
	if lines := strings.Split(strings.TrimSpace(out), "\n"); len(lines) != 2 || !strings.Contains(lines[1], `"do":"wait"`) {
		t.Errorf("the last event is\n%s", out)
	}
}

func TestAProgramWithoutARecorderRecordsForAWhile(t *testing.T) {
	pid := child(t, "busy")
	if _, errs, code := call(t, "record", pid); code != failed || !strings.Contains(errs, "no recorder") || !strings.Contains(errs, "-for 5s") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	out, errs, code := call(t, "record", pid, "-for", "1s")
	if code != ok {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	want(t, out, "step      ping", "step      pong  after Queue.Get  by ping")
	if _, errs, code := call(t, "record", pid); code != failed {
		t.Errorf("it records still: %s", errs)
	}
	if _, errs, code := call(t, "record", pid, "-for", "2h"); code != misused {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestASocketWhoseProcessHasEndedIsRemoved(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if err := os.Mkdir(filepath.Join(dir, "aio"), 0o700); err != nil {
		t.Fatal(err)
	}
	stale := filepath.Join(dir, "aio", "aio-999999999.sock")
	ln, err := net.Listen("unix", stale)
	if err != nil {
		t.Skip(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	if out, errs, code := call(t, "ps", "-json"); code != ok || strings.Contains(out, "999999999") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	if _, err := os.Lstat(stale); err == nil {
		t.Error("the socket is still there")
	}
}

// page serves the page of a child and returns its address.
func servePage(t *testing.T, pid string) (url string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"web", pid}, w, os.Stderr); w.Close() }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != ok {
			t.Errorf("exit code %d", code)
		}
		r.Close()
	})
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func TestThePageIsForThoseWhoHaveTheAddress(t *testing.T) {
	pid := child(t, "stuck")
	url := servePage(t, pid)
	get := func(url, host string) int {
		r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	base, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	for _, c := range []struct {
		url, host string
		want      int
	}{{url, "", 200}, {url + "picture?stacks=1", "", 200}, {"http://" + base + "/", "", 404}, {url, "evil.example", 403}} {
		if code := get(c.url, c.host); code != c.want {
			t.Errorf("%s of %s: %d", c.url, c.host, code)
		}
	}
}

// browse returns what a browser shows at url.
func browse(t *testing.T, browser, url string) (body string) {
	t.Helper()
	profile, err := os.MkdirTemp("", "aio") // it may still write when it has ended
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile)
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir=" + profile, "--window-size=390,844", "--virtual-time-budget=5000", "--dump-dom"}
	cmd := exec.CommandContext(t.Context(), browser, append(args, url)...)
	cmd.WaitDelay = time.Second
	dom, err := cmd.Output()
	if err != nil {
		t.Skipf("chromium does not run here: %v", err)
	}
	_, body, _ = strings.Cut(string(dom), "</header>") // not the script
	body, _, _ = strings.Cut(body, "<script>")
	return body
}

// In a browser the timeline shows who ran, and for a task who woke it.
func TestThePageShowsATimelineInABrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	for env, parts := range map[string][]string{
		"AIO_RECORD=1": {`id="history"`, "What pong did last", "after Queue.Get, by ping", "steps of ping", "<rect ", "99 % of timers at most "},
		"AIO_RECORD=0": {"Nothing is recorded: start the program with AIO_RECORD=1"},
	} {
		pid := child(t, "busy", env)
		url := servePage(t, pid)
		out, _, _ := call(t, "dump", pid)
		var p monitor.Picture
		if err := json.Unmarshal([]byte(out), &p); err != nil {
			t.Fatal(err)
		}
		_, task, err := find(p, "pong")
		if err != nil {
			t.Fatal(err)
		}
		want(t, browse(t, browser, fmt.Sprintf("%s#task=%d/%d", url, p.Loops[0].Number, task.ID)), parts...)
	}
}

// In a browser the page shows the chain from a stuck task, also of 10,000 tasks.
func TestThePageShowsTheChainInABrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium")
	}
	for part, parts := range map[string][]string{
		"stuck": {"stuck-1", "holds up 3", "Reader.ReadLine", "holdWhileReading", "holds it up."},
		"many":  {"10001", "holds up 10000", "The first 500 are shown", "main holds it up."},
	} {
		t.Run(part, func(t *testing.T) {
			pid := child(t, part, "AIO_RECORD=1")
			url := servePage(t, pid)
			out, _, _ := call(t, "dump", pid)
			var p monitor.Picture
			if err := json.Unmarshal([]byte(out), &p); err != nil {
				t.Fatal(err)
			}
			name := part + "-1"
			_, task, err := find(p, name)
			if err != nil {
				t.Fatal(err)
			}
			body := browse(t, browser, fmt.Sprintf("%s#task=%d/%d", url, p.Loops[0].Number, task.ID))
			want(t, body, append(parts, `id="chain"`)...)
			if strings.Contains(body, "no answer: ") {
				t.Error("it shows an error")
			}
		})
	}
}

// In a terminal top shows the culprit first, looks into a task, filters and quits.
func TestTopShowsTheCulpritFirstInATerminal(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("no tmux")
	}
	pid := child(t, "stuck", "AIO_RECORD=1")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "tmux")
	tmux := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "tmux", append([]string{"-S", socket, "-f", "/dev/null"}, args...)...)
		cmd.Env = append(os.Environ(), "AIO_TEST_PART=top", "AIO_TEST_PID="+pid, "LANG=C.UTF-8", "TERM=xterm", "GOCOVERDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := tmux("new-session", "-d", "-x", "150", "-y", "30", exe); err != nil {
		t.Skipf("tmux does not run here: %v: %s", err, out)
	}
	defer tmux("kill-server")
	// see waits until the screen has all parts.
	see := func(parts ...string) (screen string) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); ; {
			screen, _ = tmux("capture-pane", "-p")
			all := true
			for _, part := range parts {
				all = all && strings.Contains(screen, part)
			}
			if all {
				return screen
			}
			if time.Now().After(deadline) {
				t.Fatalf("there is no %q on the screen:\n%s", parts, screen)
			}
			time.Sleep(20 * time.Millisecond) // a terminal does not tell when it has drawn
		}
	}
	screen := see("300 tasks by held", "stream handler", "stuck-2")
	lines := strings.Split(screen, "\n")
	if !strings.HasPrefix(lines[3], "> ") || !strings.Contains(lines[3], "stream handler") {
		t.Errorf("the first task is another one:\n%s", screen)
	}
	tmux("send-keys", "-l", "/stuck-1") // at once: the keys come together
	see("filter: stuck-1", "1 tasks by held")
	tmux("send-keys", "Enter")
	tmux("send-keys", "Enter")
	see("held by stream handler", "Reader.ReadLine", "holdWhileReading", "holds it up", "what it did last:", "step      stuck-1  by main", "its stack:")
	tmux("send-keys", "c")
	see("Cancel stuck-1? y cancels it")
	tmux("send-keys", "y")
	see("this program allows no control")
	tmux("send-keys", "Escape")
	see("1 tasks by held")
	tmux("send-keys", "s")
	see("1 tasks by waited")
	tmux("send-keys", "q")
	// A look each 20 ms: a terminal does not tell when it has ended.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := tmux("has-session"); err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}
}
