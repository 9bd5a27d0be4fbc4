package cli

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFlagsMayStandAfterArguments(t *testing.T) {
	for line, want := range map[string]struct {
		rest []string
		n    int
	}{
		"":               {nil, 1},
		"a -n 2 b":       {[]string{"a", "b"}, 2},
		"-n 3 a b":       {[]string{"a", "b"}, 3},
		"a b -n=4":       {[]string{"a", "b"}, 4},
		"a -- -n 5":      {[]string{"a", "-n", "5"}, 1},
		"-n 6 -- a -- b": {[]string{"a", "--", "b"}, 6},
	} {
		flags := Flags("x")
		n := flags.Int("n", 1, "")
		rest, err := Parse(flags, strings.Fields(line))
		if err != nil || *n != want.n || !slices.Equal(rest, want.rest) {
			t.Errorf("%q: %q, n %d, %v; want %q, %d", line, rest, *n, err, want.rest, want.n)
		}
	}
	if _, err := Parse(Flags("x"), []string{"a", "-z"}); err == nil || err.Error() != "flag provided but not defined: -z" {
		t.Errorf("an unknown flag: %v", err)
	}
}

func TestATimeWithoutAUnitIsExplained(t *testing.T) {
	for line, want := range map[string]string{
		"-wait 5":         `invalid value "5" for flag -wait: it must be a time with its unit, as in 500ms`,
		"a -wait=soon":    `invalid value "soon" for flag -wait: it must be a time with its unit, as in 500ms`,
		"-n many":         `invalid value "many" for flag -n: parse error`,
		"-n _for_flag_-n": `invalid value "_for_flag_-n" for flag -n: parse error`,
		"-wait":           "flag needs an argument: -wait",
		"-help":           flag.ErrHelp.Error(),
	} {
		flags := Flags("x")
		flags.Int("n", 1, "")
		flags.Duration("wait", 0, "")
		if _, err := Parse(flags, strings.Fields(line)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", line, err, want)
		}
	}
}

func TestUsageTellsHelpFromMistakes(t *testing.T) {
	var out, err strings.Builder
	s := Streams{Out: &out, Err: &err}
	if code := s.Usage("x", "help\n", flag.ErrHelp); code != OK || out.String() != "help\n" || err.String() != "" {
		t.Errorf("help: code %d, %q, %q", code, out.String(), err.String())
	}
	out.Reset()
	if code := s.Usage("x", "help\n", errors.New("no")); code != BadUsage || out.String() != "" || err.String() != "x: no\nTry x -help.\n" {
		t.Errorf("mistake: code %d, %q, %q", code, out.String(), err.String())
	}
}

func TestAFileIsNoTerminal(t *testing.T) {
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if IsTerminal(file) {
		t.Error("a file is taken for a terminal")
	}
}

func TestPrintableKeepsTerminalsSafe(t *testing.T) {
	if got, want := Printable("a\x1b[2Jü\n"), "a?[2Jü?"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestAnAddressSaysItsNetwork(t *testing.T) {
	for addr, want := range map[string][2]string{
		"127.0.0.1:80": {"tcp", "127.0.0.1:80"},
		":0":           {"tcp", ":0"},
		"unix:/run/x":  {"unix", "/run/x"},
	} {
		if network, address := Network(addr); network != want[0] || address != want[1] {
			t.Errorf("%s: %s %s, want %v", addr, network, address, want)
		}
	}
}
