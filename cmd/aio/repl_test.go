package main

import (
	"bytes"
	"strings"
	"testing"
)

// ask runs repl on a text.
func ask(t *testing.T, text string, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	c := &command{out: &o, errs: &e, in: strings.NewReader(text)}
	if err := c.parse(append([]string{"repl"}, args...)); err != nil {
		t.Fatal(err)
	}
	err = c.run(t.Context())
	return o.String(), e.String(), err
}

func TestReplReadsInputsFromAPipe(t *testing.T) {
	out, errs, err := ask(t, "x := 20\naio.Sleep(ctx, time.Millisecond)\nx + 1\nnothing\nx + 2")
	if err != nil || out != "21\n22\n" || errs != "error: undefined: nothing\n" {
		t.Errorf("%q, %q, %v", out, errs, err)
	}
}

func TestReplSaysWhyItCannotBeAttached(t *testing.T) {
	_, errs, code := call(t, "repl", "-attach", "1")
	if code != misused || !strings.Contains(errs, "an interpreter in the process could change anything") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

func TestReplNamesAFileThatIsMissing(t *testing.T) {
	_, errs, code := call(t, "repl", "no such file.go")
	if code != missing || !strings.Contains(errs, "no such file.go") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}
