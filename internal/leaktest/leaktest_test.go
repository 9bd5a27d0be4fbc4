package leaktest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/leaktest"
)

const partVariable = "AIO_LEAKTEST_PART"

func TestMain(m *testing.M) {
	leaktest.Stranded("github.com/aio-go/aio/internal/leaktest_test.strand")
	leaktest.Main(m, leaktest.Left{What: "sheep", Count: func() int { return sheep }})
}

var (
	sheep int
	kept  *os.File
)

// What a test leaves behind ends its binary with an exit code, and is named.
func TestWhatIsLeftBehindIsNamed(t *testing.T) {
	for part, want := range map[string]string{
		"":           "PASS",
		"goroutine":  "1 goroutines left behind",
		"stranded":   "PASS",
		"waiting":    "1 goroutines left behind",
		"descriptor": "1 descriptors left behind",
		"sheep":      "2 sheep left behind",
	} {
		t.Run(part, func(t *testing.T) {
			t.Parallel()
			if part == "descriptor" && leaktest.Descriptors() == 0 {
				t.Skip("descriptors cannot be counted here")
			}
			leaktest.NeedFork(t)
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLeaves$")
			cmd.Env = append(os.Environ(), partVariable+"="+part, "AIO_LEAKTEST_PATIENCE=100ms")
			out, err := cmd.CombinedOutput()
			leaktest.NeedOwnProgram(t, err)
			if (err != nil) != (want != "PASS") || !strings.Contains(string(out), want) {
				t.Errorf("%v, no %q in\n%s", err, want, out)
			}
		})
	}
}

// TestLeaves leaves behind what it is told to, in a process of its own.
func TestLeaves(t *testing.T) {
	switch os.Getenv(partVariable) {
	case "goroutine":
		go func() { select {} }()
	case "stranded":
		go strand(nil)
	case "waiting":
		go strand(make(chan int))
	case "descriptor":
		var err error
		if kept, err = os.Open(os.DevNull); err != nil {
			t.Fatal(err)
		}
	case "sheep":
		sheep = 2
	}
}

func strand(c chan int) { <-c }
