package suite_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

// operation is a step of a random program; testdata/cpython/random.py has the same ones.
type operation struct {
	Op   string      `json:"op"`
	A    int         `json:"a,omitempty"`
	B    int         `json:"b,omitempty"`
	Body []operation `json:"body,omitempty"`
}

// TestRandomProgramsDoWhatTheyDoUnderCPython makes random programs and runs each under CPython's
// asyncio and under aio, both with a clock that makes its own time. It compares the output line by
// line: the order of events, their outcomes and times.
//
// The programs keep to where both mean the same: one task gets from a queue (asyncio's lets
// newcomers overtake), and no two tasks pass a cancellation on to the same task. Where aio means
// something else by design, random.py prints a line that says so and the comparison ends there;
// docs/design.md, "Random programs", lists these places. AIO_PROGRAMS sets the number of programs,
// AIO_SEED the first. With -v the test tells how many were compared to their end.
func TestRandomProgramsDoWhatTheyDoUnderCPython(t *testing.T) {
	count, first := envInt("AIO_PROGRAMS", 300), envInt("AIO_SEED", 1)
	for version, python := range cpythons(t) {
		t.Run(version, func(t *testing.T) {
			apartFor := map[string]int{}
			failed := 0
			for done := 0; done < count && failed < 3; done += 1000 {
				failed += comparePrograms(t, python, first+done, min(1000, count-done), apartFor)
			}
			left := count
			for reason, n := range apartFor {
				t.Logf("%6d %s", n, reason)
				left -= n
			}
			t.Logf("%6d of %d programs were compared to the end", left, count)
		})
	}
}

// comparePrograms compares the programs with the seeds from first on, and returns how many differ.
func comparePrograms(
	t *testing.T, python string, first, count int, apartFor map[string]int,
) (failed int) {
	programs := make([][][]operation, count)
	for i := range programs {
		programs[i] = randomProgram(rand.New(rand.NewPCG(uint64(first+i), 11)))
	}
	for i, theirs := range runUnderCPython(t, python, programs) {
		want, got, reason := alike(theirs, runOperations(t, programs[i]))
		if reason != "" {
			apartFor[reason]++
		}
		if slices.Equal(got, want) {
			continue
		}
		at := 0
		for at < len(got) && at < len(want) && got[at] == want[at] {
			at++
		}
		code, _ := json.Marshal(programs[i])
		t.Errorf("seed %d differs from line %d on\nCPython:\n  %s\naio:\n  %s\nboth before:\n  "+
			"%s\nprogram: %s", first+i, at+1,
			strings.Join(want[at:min(at+6, len(want))], "\n  "),
			strings.Join(got[at:min(at+6, len(got))], "\n  "),
			strings.Join(want[:at], "\n  "), code)
		failed++
	}
	return failed
}

// runUnderCPython returns what the programs print there.
func runUnderCPython(t *testing.T, python string, programs [][][]operation) (lines [][]string) {
	input, err := json.Marshal(programs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "cpython", "random.py"))
	cmd.Stdin = bytes.NewReader(input)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, complaints.String())
	}
	if err := json.Unmarshal(output, &lines); err != nil {
		t.Fatal(err)
	}
	return lines
}

// apart is how a line begins that says why nothing is compared from there on.
var apart = regexp.MustCompile(`^\d+ apart: `)

// ending is what a main prints first that is ended because of a deadlock.
var ending = regexp.MustCompile(` (C|tidies up|deadline (True|False))$`)

// alike cuts off the lines that cannot be compared. Tasks that are left are cancelled in the end,
// which asyncio does in no particular order. A deadlock is noticed, which asyncio does not do. And
// a line may say that aio means something else from there on, with the reason.
func alike(theirs, ours []string) (want, got []string, reason string) {
	cut := func(lines []string, after string) []string {
		for i, line := range slices.Backward(lines) {
			if strings.Contains(line, after) {
				return lines[:i+1]
			}
		}
		return nil
	}
	deadlocked := theirs[len(theirs)-1] == "deadlock"
	if i := slices.IndexFunc(theirs, apart.MatchString); i >= 0 && (deadlocked ||
		i < len(cut(theirs, " main ends "))) {
		return theirs[:i], ours[:min(i, len(ours))], apart.ReplaceAllString(theirs[i], "")
	}
	if last := len(theirs) - 1; theirs[last] != "deadlock" || ours[len(ours)-1] != "deadlock" {
		return cut(theirs, " main ends "), cut(ours, " main ends "), ""
	}
	n := 0
	for n < len(theirs)-1 && n < len(ours)-1 && (theirs[n] == ours[n] ||
		!ending.MatchString(ours[n])) {
		n++
	}
	return theirs[:n], ours[:n], ""
}

// knownVersions are those that random.py knows: 3.11 is the one whose order aio has, and the two after
// it differ where random.py says so.
var knownVersions = []string{"3.11", "3.12", "3.13"}

// cpythons returns the paths of the Pythons that there are to compare with, by their versions.
// AIO_PYTHON may list further ones than those that are found by their names.
func cpythons(t *testing.T) map[string]string {
	leaktest.NeedFork(t)
	found := map[string]string{}
	names := []string{"python3.11", "python3.12", "python3.13", "python3"}
	for _, name := range append(filepath.SplitList(os.Getenv("AIO_PYTHON")), names...) {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		version, err := exec.CommandContext(t.Context(), path, "-c",
			"import sys; print('%d.%d' % sys.version_info[:2])").Output()
		v := strings.TrimSpace(string(version))
		if err == nil && found[v] == "" && slices.Contains(knownVersions, v) {
			found[v] = path
		}
	}
	if len(found) == 0 {
		t.Skip("there is no Python to compare with")
	}
	return found
}

func envInt(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}
