//go:build unix

package main

import (
	"strings"
	"testing"
)

func TestAProgramThatIsNotThereIsOneFailure(t *testing.T) {
	const missing = "pipeline: no-such-program: \"no-such-program\": executable file not found in " +
		"$PATH\n"
	for _, line := range []string{"no-such-program | wc", "wc | no-such-program", "no-such-program " +
		"| sleep 1000 | wc", "yes | no-such-program", "sleep 1000 | no-such-program | cat"} {
		for range 3 { // what the others have come to by then is not the same each time
			o := pipeline(t, "", line)
			rest, found := strings.CutPrefix(o.err, missing)
			if o.code != 1 || o.out != "" || !found || strings.Count(rest, "\n") != 1 ||
				!strings.Contains(rest, " commands have ended, 1 failed") {
				t.Errorf("%s: code %d, %q", line, o.code, o.err)
			}
			if strings.Contains(o.err, ".go") {
				t.Errorf("%s shows our source: %q", line, o.err)
			}
		}
	}
	o := pipeline(t, "", "-json", "no-such-program | wc")
	all := decode[stagesRecord](t, o.out)
	if o.code != 1 || len(all) != 1 || all[0].Failed != 1 || all[0].Stages[0].Error == "" ||
		all[0].Stages[1].Error != "" || all[0].Stages[0].Started {
		t.Errorf("%s", o.out)
	}
}

func TestWhatCommandsSayIsSafeToShow(t *testing.T) {
	pipeline(t, "", "sh -c 'printf \"\\033[2Joops\\302\\233\\tx\\n\" >&2; "+
		"printf \"\\033[1mbold\"'").expect(t, allDone, "\x1b[1mbold", "sh: \\x1b[2Joops\\u009b\tx\n")
	pipeline(t, "", "each", "-tag", "sh -c 'printf \"a\\rx: forged\\033[A\\n\"' sh {}", "x").expect(t,
		allDone, "x: a\\rx: forged\\x1b[A\n", "")
	pipeline(t, "", "each", "sh -c 'printf \"\\033c\" >&2; "+
		"printf \"\\033c\"' sh {}", "x").expect(t, allDone, "\x1bc", "\\x1bc")
	pipeline(t, "a\x1b[2J\u202eb\n", "each", "sh -c 'exit 1' sh {}").expect(t, 1, "",
		"pipeline: a?[2J?b: exit status 1\n")
	o := pipeline(t, "", "each", "-json", "printf '\\342\\200\\256\\302\\205%s'", "x")
	if o.code != allDone || strings.ContainsAny(o.out, "\u202e\u0085") ||
		*decode[record](t, o.out)[0].Stdout != "\u202e\u0085x" {
		t.Errorf("%q", o.out)
	}
}

func TestOutputThatIsKeptHasABound(t *testing.T) {
	const sentence = ": stopped, since it wrote more than 100000 bytes\n"
	o := pipeline(t, "", "each", "-keep", "100000", "yes", "x")
	if o.code != 1 || len(o.out) > 100_000 || o.err != "pipeline: x"+sentence {
		t.Errorf("code %d, %d bytes, %q", o.code, len(o.out), o.err)
	}
	o = pipeline(t, "", "-keep", "100000", "-json", "yes | cat")
	all := decode[stagesRecord](t, o.out)
	if o.code != 1 || len(all) != 1 || len(all[0].Output) > 100_000 ||
		all[0].Stages[1].Error != "cat"+strings.TrimSuffix(sentence, "\n") {
		t.Errorf("code %d, %.300s", o.code, o.err)
	}
}

func TestAnItemHasABound(t *testing.T) {
	o := pipeline(t, strings.Repeat("x", 2*longestLine), "each", "echo")
	if o.code != wrongUsage || o.err != "pipeline: an item has more than 65536 bytes\n" {
		t.Errorf("code %d, %q", o.code, o.err)
	}
}
