package charindex

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

var all = sync.OnceValue(New)

// found returns what a search finds, as a text.
func found(x *Index, query string) string {
	var b strings.Builder
	for _, c := range x.Search(query) {
		b.WriteRune(c.Rune)
	}
	return b.String()
}

func TestASearchFindsTheCharactersThatHaveAllWords(t *testing.T) {
	for query, want := range map[string]string{
		"chess black king":       "♚🨏🨤🨹",
		"CHESS king":             "♔♚🨀🨉🨏🨕🨞🨤🨪🨳🨹🨿",
		"registered":             "®",
		"rook":                   "♖♜🨂🨋🨑🨗🨠🨦🨬🨵🨻🩁🩏🩒",
		"eight sixteenth":        "",
		"cat eyes":               "😸😻😽",
		"cat-eyes":               "😸😻😽", // a hyphen parts words, in names too
		"hyphen minus":           "-﹣－󠀭",
		"no such word":           "",
		"":                       "",
		"  \t ":                  "",
		"hangul syllable gag":    "각",
		"ideograph 4e00":         "一🈩",
		"cjk unified 20000":      "𠀀",
		"tangut ideograph 17000": "𗀀",
		"dots 123456":            "⠿",
	} {
		if got := found(all(), query); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

func TestAnIndexOfARangeKnowsNothingElse(t *testing.T) {
	x := Range('A', 'D')
	for query, want := range map[string]string{
		"latin":          "ABC",
		"letter b":       "B",
		"letter d":       "",
		"ideograph 4e00": "",
		"4e00":           "",
	} {
		if got := found(x, query); got != want {
			t.Errorf("%q finds %q, want %q", query, got, want)
		}
	}
}

func TestResultsAreInTheOrderOfTheirCodesAndNamed(t *testing.T) {
	got := all().Search("face")
	if len(got) < 100 {
		t.Errorf("%d faces, want more", len(got))
	}
	if !slices.IsSortedFunc(got, func(a, b Char) int { return int(a.Rune - b.Rune) }) {
		t.Error("not in order")
	}
	for _, c := range got {
		if !slices.Contains(Words(c.Name), "FACE") {
			t.Errorf("%v is no face", c)
		}
	}
}

func TestNames(t *testing.T) {
	for r, want := range map[rune]string{
		'A':      "LATIN CAPITAL LETTER A",
		'\n':     "",
		0xE000:   "",
		0xD800:   "",
		0x10FFFF: "",
		'가':      "HANGUL SYLLABLE GA",
		'힣':      "HANGUL SYLLABLE HIH",
		'앉':      "HANGUL SYLLABLE ANJ",
		'一':      "CJK UNIFIED IDEOGRAPH-4E00",
		'😀':      "GRINNING FACE",
	} {
		if got := Name(r); got != want {
			t.Errorf("the name of %U is %q, want %q", r, got, want)
		}
	}
	if got, want := (Char{'©', "COPYRIGHT SIGN"}).String(), "U+00A9\t©\tCOPYRIGHT SIGN"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New()
	}
}
