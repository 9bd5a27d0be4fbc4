package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/aio-go/aio"
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
	if _, err := Parse(Flags("x"), []string{"a", "-z"}); err == nil ||
		err.Error() != "flag provided but not defined: -z" {
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
	if code := s.Usage("x", "help\n", flag.ErrHelp); code != OK || out.String() != "help\n" ||
		err.String() != "" {
		t.Errorf("help: code %d, %q, %q", code, out.String(), err.String())
	}
	out.Reset()
	if code := s.Usage("x", "help\n", errors.New("no")); code != BadUsage || out.String() != "" ||
		err.String() != "x: no\nTry x -help.\n" {
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

func TestJSONIsSafeToLookAtAndExact(t *testing.T) {
	text := "<a>\x1b[2J\u0085\u009b\u202ehidden\u2066 \U000e0041 ü 猫 \x7f\n"
	var out strings.Builder
	if err := WriteJSON(&out, map[string]string{"text": text}); err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSuffix(out.String(), "\n")
	if strings.ContainsFunc(line, func(c rune) bool { return !unicode.IsPrint(c) }) ||
		!strings.Contains(line, "<a>") || !strings.Contains(line, "ü 猫") {
		t.Errorf("%q", line)
	}
	var back map[string]string
	if err := json.Unmarshal([]byte(line), &back); err != nil || back["text"] != text {
		t.Errorf("%q, %v, want %q", back["text"], err, text)
	}
}

func TestAnErrorIsOneShortLine(t *testing.T) {
	err := errors.Join(errors.New("first\x1b"), errors.New("second"))
	if got, want := Line(err), `first\x1b; second`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Line(errors.New(strings.Repeat("ü", 5000))); len(got) > 1<<10 {
		t.Errorf("%d bytes", len(got))
	}
	if got, want := Line(errors.New(`Get "http://u:pw@h/?token=1": EOF`)),
		`Get "http://xxxxx@h/?token=xxxxx": EOF`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCountsHaveSingularAndPlural(t *testing.T) {
	if got := Count(int64(2), "search"); got != "2 searches" {
		t.Errorf("%q", got)
	}
	for n, want := range map[int]string{0: "0 requests", 1: "1 request", 2: "2 requests"} {
		if got := Count(n, "request"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAMisspeltNameHasASuggestion(t *testing.T) {
	names := []string{"gather", "hello", "hello-async", "wait", "wait-for", "x"}
	for wrong, want := range map[string]string{
		"gahter": "; there is gather", "helo": "; there is hello", "HELLO": "; there is hello",
		"waitfor": "; there is wait-for", "async": "; there is hello-async",
		"wiat": "; there is wait", "q": "", "": "", "nothing": "", "gatherers": "; there is gather",
	} {
		if got := Suggest(wrong, names); got != want {
			t.Errorf("%q: %q, want %q", wrong, got, want)
		}
	}
	Suggest(strings.Repeat("hello", 1_000_000), names) // takes no time
}

func TestAnAddressOfAPageIsReadAsCurlDoes(t *testing.T) {
	for text, want := range map[string]string{
		"google.com": "http://google.com", "google.com/a?b=http://c": "http://google.com/a?b=http://c",
		"localhost:8080":     "http://localhost:8080",
		"localhost:8080/x:y": "http://localhost:8080/x:y", "127.0.0.1": "http://127.0.0.1",
		"[::1]:80/": "http://[::1]:80/", "//h/x": "http://h/x",
		"HTTPS://h": "https://h", "http://h": "http://h", "user:pw@h/x": "http://user:pw@h/x",
	} {
		if u, err := WebURL(text); err != nil || u.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, u, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "it names no host", "/path": "it names no host", ":8080": "it names no host",
		"http://":   "it names no host",
		"ftp://h":   `the scheme is "ftp", not http or https`,
		"unix:///x": `the scheme is "unix", not http or https`,
		"h:0":       "there is no port 0", "h:65536": "there is no port " +
			"65536", "mailto:x": `invalid port ":x" after host`,
		"http:/h": "it names no host", "://h": "missing protocol scheme",
		"h/%zz": `invalid URL escape "%zz"`,
	} {
		if u, err := WebURL(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v, want %s", text, u, err, want)
		}
	}
}

func TestAPasswordInAnAddressIsNotShown(t *testing.T) {
	for text, want := range map[string]string{
		"http://u:secret@h/x?y": "http://u:xxxxx@h/x?y", "u:se@cret@h": "u:xxxxx@h", "http://u@h/": "http://u@h/", "http://h/u:p@x": "http://h/u:p@x", "unix:/run/x": "unix:/run/x",
		`http:\\u:secret@h`: `http:\\u:xxxxx@h`, "http:///u:secret@h": "http:///u:xxxxx@h", "http://u:se/cret@h": "http://u:xxxxx@h", "//u:secret@h": "//u:xxxxx@h",
	} {
		if got := ShownURL(text); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestAProgramEndedByASignalOrItsContextIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wait := func(ctx context.Context) error { return aio.Sleep(ctx, time.Hour) }
	if code, err := Run(ctx, wait); code != Interrupted || !errors.Is(err, context.Canceled) {
		t.Errorf("code %d, %v", code, err)
	}
	failed := errors.New("failed")
	if code, err := Run(t.Context(), func(context.Context) error { return failed }); code != Failed ||
		err != failed {
		t.Errorf("code %d, %v", code, err)
	}
	var out strings.Builder
	s := Streams{Err: &out}
	code := s.Serve(t.Context(), "x", func(context.Context) error { return errors.New("a\nb") })
	if code != Failed || out.String() != "x: a; b\n" {
		t.Errorf("code %d, %q", code, out.String())
	}
	if code := s.Serve(ctx, "x", wait); code != OK {
		t.Errorf("code %d", code)
	}
}
