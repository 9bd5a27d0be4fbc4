package safetext_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aio-go/aio/internal/safetext"
)

func TestALineShowsWhatWouldActOnATerminalOrALog(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"plain, grün, 日本\u3000語, 👍🏽 ❤\ufe0f": "plain, grün, 日本\u3000語, 👍🏽 ❤\ufe0f",
		`C:\new\x1b`:                     `C:\new\x1b`,
		"a\nlevel=INFO msg=forged":       `a\nlevel=INFO msg=forged`,
		"a\r\n\tb":                       `a\r\n\tb`,
		"\x00\x07\x1b[31m\x7f":           `\x00\x07\x1b[31m\x7f`,
		"\u0085\u009b31m":                `\u0085\u009b31m`,
		"\x9b31m \xff\xfe \xc3":          `\x9b31m \xff\xfe \xc3`,
		"\xed\xa0\x80 \ufffd":            `\xed\xa0\x80 ` + "\ufffd",
		"\u2028\u2029":                   `\u2028\u2029`,
		"exe\u202efdp \u2066x\u2069":     `exe\u202efdp \u2066x\u2069`,
		"\u200e\u200f\u061c":             `\u200e\u200f\u061c`,
		"\u200b\u200c\u200d\u2060\ufeff": `\u200b\u200c\u200d\u2060\ufeff`,
		"\u00ad\u115f\u3164\uffa0\u2800": `\u00ad\u115f\u3164\uffa0\u2800`,
		"\U000e0041\U000e0100\U0010fffd": `\U000e0041\U000e0100\U0010fffd`,
	} {
		if got := safetext.Line(in); got != want {
			t.Errorf("Line(%q) = %q, want %q", in, got, want)
		}
		if got := safetext.Line(want); got != want {
			t.Errorf("Line(%q) = %q: it was safe", want, got)
		}
	}
}

func TestLinesKeepsLineFeedsAndTabs(t *testing.T) {
	const in, want = "a\r\n\tb\rc\n\x1b[2J", "a\n\tb\\rc\n\\x1b[2J"
	if got := safetext.Lines(in); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTextThatIsTooLongIsCutAtACharacterWithAMark(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{strings.Repeat("a", 40), 40, strings.Repeat("a", 40)},
		{strings.Repeat("a", 41), 40, strings.Repeat("a", 26) + "…(+15 bytes)"},
		{strings.Repeat("ä", 30), 40, strings.Repeat("ä", 13) + "…(+34 bytes)"},
		{strings.Repeat("\x1b", 30), 40, strings.Repeat(`\x1b`, 6) + "…(+24 bytes)"},
		{strings.Repeat("\n", 20), 40, strings.Repeat(`\n`, 20)},
		{"aäbcdefgh", 2, "a"},
		{"abc", 0, ""},
		{"abc", -1, ""},
	} {
		got := safetext.Cut(c.in, c.limit)
		if got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
	if got := safetext.Line(strings.Repeat("x", 50<<20)); len(got) != safetext.MaxLine ||
		!strings.HasSuffix(got, " bytes)") {
		t.Errorf("50 MiB become %d bytes that end with %q", len(got), got[max(0, len(got)-20):])
	}
}

func TestAURLShowsNoSecret(t *testing.T) {
	for in, want := range map[string]string{
		"https://example.com/a/b":                   "https://example.com/a/b",
		"https://example.com:8443/@user":            "https://example.com:8443/@user",
		"http://[::1]:80/x@y":                       "http://[::1]:80/x@y",
		"http://[fe80::1%25eth0]/x@y":               "http://[fe80::1%25eth0]/x@y",
		"unix:/run/a.sock:/x":                       "unix:/run/a.sock:/x",
		"https://joe:secret@example.com/":           "https://xxxxx@example.com/",
		"https://ghp_secret@example.com/":           "https://xxxxx@example.com/",
		"postgres://joe:se@cr/et@db/x":              "postgres://xxxxx@cr/et@db/x",
		"postgres://joe:se/cr@et@db:5432/x":         "postgres://xxxxx@db:5432/x",
		"http://joe:se?cr@et/x":                     "http://xxxxx@et/x",
		"http://joe:se#cr@et/x":                     "http://xxxxx@et/x",
		"joe:secret@example.com/x":                  "xxxxx@example.com/x",
		"//joe:secret@example.com/x":                "//xxxxx@example.com/x",
		"/login?user=joe&token=secret;x=y&secret#s": "/login?user=xxxxx&token=xxxxx;x=xxxxx&xxxxx#xxxxx",
		"/x?a=&b&#":                  "/x?a=&xxxxx&#",
		"?a=b=c":                     "?a=xxxxx",
		"http://h/%0a?x\x1b":         "http://h/%0a?xxxxx",
		"http://h/\n\u202e?a=1":      `http://h/\n\u202e?a=xxxxx`,
		"http://xxxxx@h/?a=xxxxx&b=": "http://xxxxx@h/?a=xxxxx&b=",
		"http://@h/":                 "http://@h/",
		"":                           "",
		`http:\\joe:secret@h/x?a=b`:  `http:\\xxxxx@h/x?a=xxxxx`,
		`http:/joe:secret@h/`:        `http:/xxxxx@h/`,
		`http:///joe:secret@h/`:      `http:///xxxxx@h/`,
		`\\joe:secret@h\x@y`:         `\\xxxxx@h\x@y`,
		`/\joe:secret@h`:             `/\xxxxx@h`,
		"http:joe:secret@h":          "xxxxx@h",
		"/a@b":                       "/a@b",
		"%zz://joe:secret@h":         "%zz://xxxxx@h",
		"file:///home/x@y":           "file:///home/x@y",
	} {
		got := safetext.URL(in)
		if got != want {
			t.Errorf("URL(%q) = %q, want %q", in, got, want)
		}
		if again := safetext.URL(got); again != got {
			t.Errorf("URL(%q) = %q: it was safe", got, again)
		}
	}
}

func TestAMessageHidesTheSecretsOfItsURLs(t *testing.T) {
	for in, want := range map[string]string{
		"reading /x?a=b: EOF": "reading /x?a=b: EOF",
		"ratio 3://4":         "ratio 3://4",
		`Get "https://joe:secret@h/?k=secret": dial tcp: refused`:     `Get "https://xxxxx@h/?k=xxxxx": dial tcp: refused`,
		"fetch http://h/?k=secret, then (ws://t@h/#secret).\nforged":  `fetch http://h/?k=xxxxx, then (ws://xxxxx@h/#xxxxx).\nforged`,
		"http://h/?k=secret: EOF":                                     "http://h/?k=xxxxx: EOF",
		"a http://h/ b http://h/?k=secret c http://h/?k=xxxxx d ://@": "a http://h/ b http://h/?k=xxxxx c http://h/?k=xxxxx d ://@",
		`to "http:\\\\joe:secret@h", which is none`:                   `to "http:\\\\xxxxx@h", which is none`,
		`to "//joe:secret@h/?k=secret": EOF`:                          `to "//xxxxx@h/?k=xxxxx": EOF`,
		`Get "http://h/?k=secret words": EOF`:                         `Get "http://h/?k=xxxxx": EOF`,
		`Get "http://joe:sec ret@h/\"?k=secret\"": EOF`:               `Get "http://xxxxx@h/\"?k=xxxxx": EOF`,
		`Get "http://h/?k=secret`:                                     `Get "http://h/?k=xxxxx`,
		`// a comment?a=b, \\x1b and "C:\\dir\\file.txt"`:             `// a comment?a=b, \\x1b and "C:\\dir\\file.txt"`,
	} {
		got := safetext.Message(in)
		if got != want {
			t.Errorf("Message(%q) = %q, want %q", in, got, want)
		}
		if strings.Contains(got, "secret") || safetext.Error(errors.New(in)) != want {
			t.Errorf("the error %q is shown as %q", in, safetext.Error(errors.New(in)))
		}
	}
}

type panics struct{}

func (*panics) Error() string { panic("no") }

func TestAnErrorThatCannotBePrintedIsShownAsSuch(t *testing.T) {
	for want, err := range map[string]error{
		"<nil>":                       nil,
		"<the Error method panicked>": (*panics)(nil),
		`a\nb`:                        errors.New("a\nb"),
	} {
		if got := safetext.Error(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCleanTextCostsNothing(t *testing.T) {
	for name, fn := range map[string]func(){
		"Line":    func() { _ = safetext.Line("fetch of page 17, grün 日本") },
		"Lines":   func() { _ = safetext.Lines("main.main\n\t/src/main.go:17\n") },
		"Message": func() { _ = safetext.Message("fetch of https://example.com/index.html") },
		"URL":     func() { _ = safetext.URL("https://example.com/index.html?a=&b=xxxxx") },
	} {
		if n := testing.AllocsPerRun(100, fn); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func FuzzShow(f *testing.F) {
	for _, s := range []string{"plain", "a\r\nb", "\x1b[31m", "\u202e\u0085\xff",
		"http://u:p@h/?a=b#c", "http://h:x/@?", "…(+12 bytes)", "\U000e0041"} {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(-1, min(limit, 1<<12))
		check := func(what, got string, limit int, lines bool) {
			t.Helper()
			if len(got) > max(limit, 0) {
				t.Errorf("%s of %q has %d bytes, of %d", what, s, len(got), limit)
			}
			if !utf8.ValidString(got) {
				t.Errorf("%s of %q is %q, which is not UTF-8", what, s, got)
			}
			for _, r := range got {
				feed := lines && (r == '\n' || r == '\t')
				if !feed && (r < ' ' || r >= 0x7f && r < 0xa0 || strings.ContainsRune(
					"\u061c\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff", r)) {
					t.Errorf("%s of %q is %q, which has %U", what, s, got, r)
				}
			}
		}
		cut, lines := safetext.Cut(s, limit), safetext.Lines(s)
		check("Cut", cut, limit, false)
		check("Lines", lines, safetext.MaxLines, true)
		check("URL", safetext.URL(s), safetext.MaxLine, false)
		check("Message", safetext.Message(s), safetext.MaxLine, false)
		if again := safetext.Cut(cut, limit); again != cut {
			t.Errorf("Cut of %q is %q, then %q", s, cut, again)
		}
		if again := safetext.Lines(lines); again != lines {
			t.Errorf("Lines of %q is %q, then %q", s, lines, again)
		}
		// The backslash of an escape can be taken for a slash before a host.
		short := len(s) < safetext.MaxLine/10 && safetext.Line(s) == s
		if url := safetext.URL(s); short && safetext.URL(url) != url {
			t.Errorf("URL of %q is %q, then %q", s, url, safetext.URL(url))
		}
		if strings.ContainsAny(s, "@?#/\\:&;= ") || s == "" {
			return
		}
		secret := "sec" + s + "ret"
		for _, url := range []string{"http://" + secret +
			"@h/", "http://u:" + secret + "@h", "http://h/?k=" + secret, "http://h#" + secret} {
			if got := safetext.URL(url); strings.Contains(got, "sec") {
				t.Errorf("URL(%q) = %q", url, got)
			}
		}
	})
}

func TestOfAHugeMessageOnlyTheBeginningIsLookedAt(t *testing.T) {
	long := strings.Repeat("secret ", 8<<20)
	if n := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			safetext.Message(long)
		}
	}); n.AllocedBytesPerOp() > 100<<10 {
		t.Errorf("%d bytes are allocated for the beginning of %d", n.AllocedBytesPerOp(), len(long))
	}
	for in, want := range map[string]string{
		long: "secret secret ",
		"http://" + strings.ReplaceAll(long, " ", "") + "@h/":  "http://xxxxx…(+",
		`to "//` + strings.ReplaceAll(long, " ", "") + "@h/":   `to "//xxxxx…(+`,
		"GET http://h/?k=" + strings.ReplaceAll(long, " ", ""): "GET http://xxxxx…(+",
	} {
		got := safetext.Message(in)
		if len(got) > safetext.MaxLine || !strings.HasPrefix(got, want) || !strings.HasSuffix(got, " bytes)") {
			t.Errorf("%.40q... is shown as %.60q, of %d bytes", in, got, len(got))
		}
	}
}
