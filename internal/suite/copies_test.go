package suite_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestGoVetFindsACopyOfWhatMustNotBeCopied(t *testing.T) {
	needGo(t)
	const file = "testdata/copies/copies.go"
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found, err := exec.CommandContext(t.Context(), "go", "vet", "-copylocks",
		"./testdata/copies").CombinedOutput()
	if err == nil {
		t.Error("go vet found nothing")
	}
	n := 0
	for line := range strings.Lines(string(source)) {
		n++
		_, rest, _ := strings.Cut(string(found), fmt.Sprintf("copies.go:%d:", n))
		complains := strings.Contains(strings.SplitN(rest, "\n", 2)[0], "lock")
		if copied := strings.HasSuffix(line, "// copied\n"); copied != complains {
			t.Errorf("%s:%d: %s: go vet complains: %t", file, n, strings.TrimSpace(line), complains)
		}
	}
	if n := bytes.Count(found, []byte("copies.go:")); n < 40 {
		t.Errorf("go vet has found %d copies:\n%s", n, found)
	}
}
