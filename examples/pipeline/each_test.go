//go:build unix

package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestTheOutputOfACommandStaysTogether(t *testing.T) {
	o := pipeline(t, "", "each", "-j", "4", "sh -c 'echo a$1; echo b$1' sh {}", "1", "2", "3", "4")
	if o.code != allDone || o.err != "" {
		t.Errorf("code %d, %q", o.code, o.err)
	}
	lines := strings.Fields(o.out)
	if len(lines) != 8 {
		t.Fatalf("printed %q", o.out)
	}
	for i := 0; i < len(lines); i += 2 {
		if lines[i][0] != 'a' || lines[i+1] != "b"+lines[i][1:] {
			t.Errorf("%q are not together", lines)
		}
	}
}

func TestWithTagsEachLineSaysWhereItIsFrom(t *testing.T) {
	o := pipeline(t, "", "each", "-tag", "sh -c 'echo one; echo two >&2; "+
		"printf three' sh {}", "x", "y")
	out, errput := strings.SplitAfter(o.out, "\n"), strings.SplitAfter(o.err, "\n")
	slices.Sort(out)
	slices.Sort(errput)
	if got := strings.Join(out, ""); got != "x: one\nx: three\ny: one\ny: three\n" ||
		strings.Join(errput, "") != "x: two\ny: two\n" {
		t.Errorf("printed %q and %q", o.out, o.err)
	}
}

func TestItemsMayBeLinesOfStandardInput(t *testing.T) {
	pipeline(t, "one\ntwo words\n\nlast", "each", "-j", "1", "printf '<%s>\\n'").expect(t, allDone,
		"<one>\n<two words>\n<last>\n", "")
	pipeline(t, "", "each", "echo").expect(t, allDone, "", "")
}

func TestNoMoreCommandsAtATimeThanAllowed(t *testing.T) {
	dir := t.TempDir()
	var items []string
	for i := range 12 {
		items = append(items, fmt.Sprint(i))
	}
	line := "mkdir " + dir + "/{}; ls " + dir + " | wc -l; sleep 0.02; rmdir " + dir + "/{}"
	o := pipeline(t, "", append([]string{"each", "-j", "3", "-shell", line}, items...)...)
	most := 0
	for line := range strings.Lines(o.out) {
		var n int
		fmt.Sscan(line, &n)
		most = max(most, n)
	}
	if o.code != allDone || most < 1 || most > 3 || strings.Count(o.out, "\n") != 12 {
		t.Errorf("code %d, %d at a time, %q", o.code, most, o.out)
	}
}

func TestTheExitCodeCountsTheFailures(t *testing.T) {
	pipeline(t, "", "each", "-j", "1", "sh -c 'exit {}'", "0", "1", "2", "0").expect(t, 2, "",
		"pipeline: 1: exit status 1\npipeline: 2: exit status 2\npipeline: 4 of 4 commands have ended, "+
			"2 failed\n")
	pipeline(t, "", "each", "no-such-program", "x").expect(t, 1, "",
		"pipeline: x: \"no-such-program\": executable file not found in $PATH\n")
	pipeline(t, strings.Repeat("x\n", 103), "each", "no-such-program").expect(t, manyFailed, "",
		strings.Repeat("pipeline: x: \"no-such-program\": executable file not found in $PATH\n", 103)+
			"pipeline: 103 of 103 commands have ended, 103 failed\n")
}

func TestOneCommandThatRunsOutOfTimeLeavesTheOthers(t *testing.T) {
	o := pipeline(t, "", "each", "-j", "1", "-timeout", "2s", "sh -c 'echo {}; "+
		"exec sleep {}'", "1000", "0")
	o.expect(t, 1, "1000\n0\n", "pipeline: 1000: out of time, killed by SIGTERM\npipeline: 2 of 2 "+
		"commands have ended, 1 failed, 1 asked to end\n")
}

func TestFailFastStopsTheRest(t *testing.T) {
	o := pipeline(t, "", "each", "-j", "2", "-failfast", "sh -c 'test {} = bad && exit 9; "+
		"sleep 1000'", "good", "bad", "later")
	if o.code == 0 || !strings.Contains(o.err, "pipeline: bad: exit status 9\n") ||
		!strings.Contains(o.err, "of 3 commands have ended") {
		t.Errorf("code %d, %q", o.code, o.err)
	}
}

func TestEachAsJSON(t *testing.T) {
	o := pipeline(t, "", "each", "-json", "-j", "1", "sh -c 'echo out; echo err >&2; "+
		"exit {}'", "0", "5")
	all := decode[record](t, o.out)
	if o.code != 1 || len(all) != 2 {
		t.Fatalf("code %d, %s", o.code, o.out)
	}
	for i, want := range []int{0, 5} {
		if r := all[i]; r.Code != want || r.Item != fmt.Sprint(want) || *r.Stdout != "out\n" ||
			*r.Stderr != "err\n" || (r.Error == "") != (want == 0) || !r.Started {
			t.Errorf("command %d: %+v", i, r)
		}
	}
}

func TestAChildThatSomebodyKillsLeavesTheOthers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	killed := make(chan bool)
	go func() {
		defer close(killed)
		if pid := pidIn(t, file); pid > 1 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	o := pipeline(t, "", "each", "-j", "2", "sh -c 'test $1 = a || exec echo fine; "+
		"echo $$ >"+file+"; exec sleep 1000' sh {}", "a", "b")
	<-killed
	o.expect(t, 1, "fine\n",
		"pipeline: a: killed by SIGKILL\npipeline: 2 of 2 commands have ended, 1 failed\n")
}

func TestOutputThatCannotBeWrittenEndsEverything(t *testing.T) {
	var errput strings.Builder
	code := run(t.Context(), []string{"each", "-tag", "-j", "2", "yes", "a", "b"}, streams{
		in:  strings.NewReader(""),
		out: fullDisk{},
		err: &errput,
	})
	if code != wrongUsage ||
		!strings.Contains(errput.String(), "pipeline: writing the output: no space left on device") {
		t.Errorf("code %d, %q", code, errput.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
