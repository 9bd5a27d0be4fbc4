// Package leaktest fails a test binary whose tests have left something behind: goroutines (so also
// tasks and coroutines), open descriptors, or processes.
package leaktest

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// patience returns how long to wait for resources that were told to end and need a moment. This
// package's own test sets less.
func patience() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("AIO_LEAKTEST_PATIENCE")); err == nil {
		return d
	}
	return 10 * time.Second
}

// Left is something else of which nothing must be left.
type Left struct {
	What  string // in the plural
	Count func() int
}

// Main is the body of TestMain: it runs the tests and ends the process.
func Main(m *testing.M, others ...Left) {
	flag.Parse()
	if fuzzing := flag.Lookup("test.fuzz"); fuzzing != nil && fuzzing.Value.String() != "" {
		os.Exit(m.Run()) // a fuzzer has goroutines and pipes of its own
	}
	warmUp()
	before, fds := goroutines(), Descriptors()
	code := m.Run()
	deadline := time.Now().Add(patience())
	more := func() bool {
		return goroutines() > before || Descriptors() > fds || Children() > 0
	}
	late := false
	for more() && !late {
		time.Sleep(time.Millisecond)
		late = time.Now().After(deadline)
	}
	if code != 0 {
		os.Exit(code)
	}
	left := func(n int, what, details string) {
		if n > 0 {
			fmt.Fprintf(os.Stderr, "%d %s left behind\n%s", n, what, details)
			code = 1
		}
	}
	if late { // otherwise all was gone at one moment; the runtime makes goroutines now and then
		left(goroutines()-before, "goroutines", stacks())
		left(Descriptors()-fds, "descriptors", strings.Join(open(), "\n")+"\n")
		left(Children(), "processes", "")
	}
	for _, other := range others {
		left(other.Count(), other.What, "")
	}
	os.Exit(code)
}

// warmUp lets the runtime open its poller, which stays open, and start the goroutine of package
// os/signal, which never ends.
func warmUp() {
	if r, w, err := os.Pipe(); err == nil {
		_ = r.SetReadDeadline(time.Now())
		r.Close()
		w.Close()
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
}

// Stranded tells Main that a library may leave goroutines in fn that wait for a nil channel, which
// is a fault of that library. Call it before Main, with the reason beside it.
func Stranded(fn string) { stranded = fn }

var stranded string

// goroutines counts the goroutines of the program, without those of Stranded. In a browser the
// runtime has some of its own, which come and go with the events of the host.
func goroutines() int {
	n := runtime.NumGoroutine()
	if runtime.GOOS == "js" {
		n -= strings.Count(stacks(), "\nruntime.handleEvent(")
	}
	if stranded != "" {
		for stack := range strings.SplitSeq(stacks(), "\n\n") {
			if strings.Contains(stack, "(nil chan)") && strings.Contains(stack, "\n"+stranded+"(") {
				n--
			}
		}
	}
	return n
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)]) + "\n"
}

// Descriptors counts the open descriptors of this process; 0 if that cannot be known.
func Descriptors() int { return len(open()) }

// open lists the open descriptors and their files. Under Wine the folder has those of the emulator,
// which are none of this program's.
func open() (list []string) {
	if runtime.GOOS != "linux" {
		return nil
	}
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		list = append(list, e.Name()+" "+target)
	}
	return list
}

// Children counts the child processes that were not waited for; 0 if that cannot be known.
func Children() int {
	if runtime.GOOS != "linux" {
		return 0
	}
	files, _ := filepath.Glob("/proc/self/task/*/children")
	n := 0
	for _, name := range files {
		text, _ := os.ReadFile(name)
		n += len(strings.Fields(string(text)))
	}
	return n
}

// NeedFork skips a test that starts a program if AIO_TEST_EMULATED says that an emulator runs the
// test. The fork of QEMU may hang in a program of several threads.
func NeedFork(t testing.TB) {
	t.Helper()
	if os.Getenv("AIO_TEST_EMULATED") != "" {
		t.Skip("an emulator runs this test, and its fork may hang")
	}
}

// NeedOwnProgram skips a test if err says that the system does not start the program of the test:
// an emulator runs it.
func NeedOwnProgram(t testing.TB, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "exec format error") {
		t.Skip("an emulator runs this program, which cannot be started from within: ", err)
	}
}
