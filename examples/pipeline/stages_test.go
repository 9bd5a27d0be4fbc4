//go:build unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestEachCommandReadsWhatTheOneBeforeWrites(t *testing.T) {
	pipeline(t, "b\na\nb\n", "cat | sort | uniq -c | tr -d ' '").expect(t, allDone, "1a\n2b\n", "")
	pipeline(t, "", "seq 100000 | wc -l").expect(t, allDone, "100000\n", "")
}

func TestACommandWhoseReaderWantsNoMoreHasNotFailed(t *testing.T) {
	pipeline(t, "", "yes | head -n 2").expect(t, allDone, "y\ny\n", "")
}

func TestFailuresAreNamedAndCounted(t *testing.T) {
	pipeline(t, "", "sh -c 'echo one; exit 3' | sh -c 'cat; echo oops >&2; "+
		"exit 4' | cat").expect(t, 2, "one\n",
		"sh: oops\npipeline: sh -c echo one; exit 3: exit status 3\npipeline: sh -c cat; "+
			"echo oops >&2; exit 4: exit status 4\n"+
			"pipeline: 3 of 3 commands have ended, 2 failed\n")
	o := pipeline(t, "", "sleep 1000 | no-such-program | cat")
	if o.code < 1 || o.code > 3 ||
		!strings.Contains(o.err, `"no-such-program": executable file not found in $PATH`) {
		t.Errorf("code %d, %q", o.code, o.err)
	}
}

func TestAPipelineThatRunsOutOfTimeIsStopped(t *testing.T) {
	pipeline(t, "", "-timeout", "2s", "sleep 1000 | sleep "+
		"2000").expect(t, 2, "", "pipeline: sleep 1000: out of time, killed by SIGTERM\n"+
		"pipeline: sleep 2000: out of time, killed by SIGTERM\npipeline: 2 of 2 commands have ended, 2 "+
		"failed, 2 asked to end\n")
}

// stagesRecord is what -json prints of a pipeline.
type stagesRecord struct {
	Failed int
	Stages []record
	Output string
}

func TestAPipelineAsJSON(t *testing.T) {
	o := pipeline(t, "", "-json", "printf 'x\\377y' | sh -c 'cat; kill -TERM $$'")
	all := decode[stagesRecord](t, o.out)
	if o.code != 1 || len(all) != 1 || all[0].Failed != 1 || all[0].Output != "x\uFFFDy" ||
		len(all[0].Stages) != 2 {
		t.Fatalf("code %d, %s", o.code, o.out)
	}
	if s := all[0].Stages[0]; s.Code != 0 || s.Signal != "" || s.Error != "" || !s.Started ||
		s.Command[0] != "printf" {
		t.Errorf("the first one: %+v", s)
	}
	if s := all[0].Stages[1]; s.Code != -15 || s.Signal != "terminated" || s.Stopped ||
		s.Error != "sh -c cat; kill -TERM $$: killed by SIGTERM" {
		t.Errorf("the second one: %+v", s)
	}
}

// pidIn waits for the number that a child writes into a file.
func pidIn(t *testing.T, file string) int {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(
		deadline); time.Sleep(time.Millisecond) { // nothing tells of it
		var pid int
		if text, _ := os.ReadFile(file); strings.HasSuffix(string(text), "\n") {
			fmt.Sscan(string(text), &pid)
			return pid
		}
	}
	t.Error("the child has not said who it is")
	return 0
}

// alive reports whether there is such a process.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestAChildThatSomebodyKillsInTheMiddle(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	killed := make(chan bool)
	go func() {
		defer close(killed)
		if pid := pidIn(t, file); pid > 1 {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}()
	o := pipeline(t, "", "yes | sh -c 'echo $$ >"+file+"; exec cat' | tail -n 1")
	<-killed
	if o.code != 1 || !strings.Contains(o.err, "exec cat: killed by SIGKILL\n") {
		t.Errorf("code %d, %q", o.code, o.err)
	}
}
