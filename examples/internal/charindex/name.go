package charindex

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/runenames"
)

// Name returns the name of a character, "" if it has none: control characters, and codes that are
// not assigned.
//
// The tables have "<Hangul Syllable>" and the like for those whose names follow from their codes;
// these names are made here.
func Name(r rune) string {
	if prefix, ok := ideograph(r); ok {
		return fmt.Sprintf("%s-%X", prefix, r)
	}
	name := runenames.Name(r)
	switch {
	case name == "<Hangul Syllable>":
		return hangul(r)
	case strings.HasPrefix(name, "<"): // control, surrogate, private use
		return ""
	}
	return name
}

// ideograph returns the beginning of the name of an ideograph, which its code completes: 100,000
// characters that each have a word of their own in their names. The index does without those words.
func ideograph(r rune) (prefix string, ok bool) {
	name := runenames.Name(r)
	switch {
	case strings.HasPrefix(name, "<CJK Ideograph"):
		return "CJK UNIFIED IDEOGRAPH", true
	case strings.HasPrefix(name, "<Tangut Ideograph"):
		return "TANGUT IDEOGRAPH", true
	}
	return "", false
}

// numberedBy returns the ideograph that has a word as its number.
func numberedBy(word string) (rune, bool) {
	code, err := strconv.ParseUint(word, 16, 24)
	if err != nil || fmt.Sprintf("%X", code) != word {
		return 0, false
	}
	_, ok := ideograph(rune(code))
	return rune(code), ok
}

// The parts of which the names of Hangul syllables are made, as the standard has them (3.12).
var (
	leads  = strings.Split("G GG N D DD R M B BB S SS  J JJ C K T P H", " ")
	vowels = strings.Split("A AE YA YAE EO E YEO YE O WA WAE OE YO U WEO WE WI YU EU YI I", " ")
	trails = strings.Split(" G GG GS N NJ NH D L LG LM LB LS LT LP LH M B BS S SS NG J C K T P H",
		" ")
)

func hangul(r rune) string {
	n := int(r - '가')
	return "HANGUL SYLLABLE " + leads[n/(len(vowels)*len(trails))] +
		vowels[n/len(trails)%len(vowels)] + trails[n%len(trails)]
}
