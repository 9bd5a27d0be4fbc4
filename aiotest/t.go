package aiotest

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// T is what the function of [Run] and [Explore] gets in place of a *testing.T. It is a
// [testing.TB], so helpers and packages for assertions work with it. In [Explore] a failure ends
// with the schedule: it is told once, for the shortest schedule that has it. Error, Log and their
// kin may be called anywhere, the other methods on the loop only. Any task may call Fatal and
// FailNow: they end the task with a panic that this package recognises.
type T struct {
	testing.TB
	run *run
}

// failNow is the panic that ends a task after Fatal.
type failNow struct{}

func (failNow) String() string { return "aiotest: T.FailNow" }

// Error is Log and Fail.
func (t *T) Error(args ...any) { t.errorAt(2, fmt.Sprintln(args...)) }

// Errorf is Logf and Fail.
func (t *T) Errorf(format string, args ...any) { t.errorAt(2, fmt.Sprintf(format, args...)) }

// Fatal is Error and FailNow.
func (t *T) Fatal(args ...any) {
	t.errorAt(2, fmt.Sprintln(args...))
	panic(failNow{})
}

// Fatalf is Errorf and FailNow.
func (t *T) Fatalf(format string, args ...any) {
	t.errorAt(2, fmt.Sprintf(format, args...))
	panic(failNow{})
}

// Fail marks the run as failed and goes on.
func (t *T) Fail() { t.errorAt(2, "failed") }

// FailNow marks the run as failed and ends the task.
func (t *T) FailNow() {
	t.errorAt(2, "failed")
	panic(failNow{})
}

// Failed reports whether this run has failed.
func (t *T) Failed() bool { return t.run.failed() != "" }

// Log keeps a line that is printed if this run fails.
func (t *T) Log(args ...any) { t.run.log(strings.TrimSuffix(fmt.Sprintln(args...), "\n")) }

// Logf is Log with a format.
func (t *T) Logf(format string, args ...any) { t.run.log(fmt.Sprintf(format, args...)) }

// Cleanup has fn called when this run has ended, off the loop, the last one added first.
func (t *T) Cleanup(fn func()) { t.run.cleanups = append(t.run.cleanups, fn) }

// Always checks a condition before each step from now on, and at the end of the run. If check
// returns false the run fails, and ends there. check must not wait. Loop only.
func (t *T) Always(name string, check func() bool) {
	t.run.always = append(t.run.always, invariant{name, check})
}

// Eventually checks a condition before each step from now on until it holds once. The run fails if
// it has not by the end of the function. A schedule without progress or with a deadlock names it.
// check must not wait. Loop only.
func (t *T) Eventually(name string, check func() bool) {
	t.run.eventually = append(t.run.eventually, invariant{name, check})
}

// Steps returns how many steps this run has made so far, the present one included. In a run that is
// repeated each step has the same number. Loop only.
func (t *T) Steps() int { return *t.run.steps }

// Sometimes notes whether reached holds here. [Explore] fails if it did in no schedule: the test
// does not get to what it is meant to test.
func (t *T) Sometimes(name string, reached bool) {
	if was, known := t.run.sometimes[name]; !known || reached && !was {
		t.run.sometimes[name] = reached
	}
}

type invariant struct {
	name  string
	check func() bool
}

// Helper marks the calling function as one that helps tests: the line of a failure is that of its
// caller.
func (t *T) Helper() {
	var pc [1]uintptr
	if runtime.Callers(2, pc[:]) > 0 {
		f, _ := runtime.CallersFrames(pc[:]).Next()
		t.run.helps(f.Function)
	}
}

// errorAt notes a failure at the first line above that belongs to no helper.
func (t *T) errorAt(skip int, text string) {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(skip+1, pcs[:])])
	for {
		f, more := frames.Next()
		if f.Function != "" && (!more || !t.run.isHelper(f.Function)) {
			text = fmt.Sprintf("%s:%d: %s", filepath.Base(f.File), f.Line, text)
			break
		}
		if !more {
			break
		}
	}
	t.run.fail(problemCheck, strings.TrimSuffix(text, "\n"))
}
