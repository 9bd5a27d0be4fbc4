// Package charindex finds Unicode characters by the words in their names: "cat face" finds 🐱 and
// its kind. It is an inverted index: for each word the characters that have it in their names.
package charindex

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/runenames"
)

// UnicodeVersion is the version of Unicode the names are from.
const UnicodeVersion = runenames.UnicodeVersion

// Char is a character and its name.
type Char struct {
	Rune rune
	Name string
}

// String is a line about the character, its columns parted by tabs: code, character, name.
func (c Char) String() string { return fmt.Sprintf("U+%04X\t%c\t%s", c.Rune, c.Rune, c.Name) }

// Index is an inverted index. It does not change, so any number of goroutines may search it.
type Index struct {
	chars map[string][]rune // of each word, in ascending order
}

// New makes an index of all characters that have a name. That takes a quarter of a second or so,
// and blocks: in a loop, call it through aio.ToThread.
func New() *Index { return Range(' ', unicode.MaxRune+1) }

// Range makes an index of the characters from start to before stop.
func Range(start, stop rune) *Index {
	x := &Index{chars: map[string][]rune{}}
	for r := start; r < stop; r++ {
		prefix, numbered := ideograph(r)
		name := prefix
		if !numbered {
			name = Name(r)
		}
		for _, word := range Words(name) {
			x.chars[word] = append(x.chars[word], r)
		}
	}
	for word, all := range x.chars {
		x.chars[word] = slices.Compact(all) // a name may have a word twice
	}
	return x
}

// Words splits a query, or a name, into the words to look for.
func Words(text string) []string {
	return strings.Fields(strings.ReplaceAll(strings.ToUpper(text), "-", " "))
}

// Search returns the characters whose names have all words of the query, in the order of their
// codes. Without a word it finds nothing.
func (x *Index) Search(query string) []Char { return slices.Collect(x.All(query)) }

// All yields the results of [Index.Search], one after the other: there may be 100,000, and a slow
// reader need not have them all in memory.
func (x *Index) All(query string) iter.Seq[Char] {
	words := Words(query)
	slices.Sort(words)
	var lists [][]rune
	for _, word := range slices.Compact(words) { // a repeated word would only take time
		list := x.chars[word]
		if r, ok := numberedBy(word); ok && x.has(r) {
			list = insert(list, r)
		}
		lists = append(lists, list)
	}
	slices.SortFunc(lists, func(a, b []rune) int { return cmp.Compare(len(a), len(b)) })
	return func(yield func(Char) bool) {
		if len(lists) == 0 {
			return
		}
		for _, r := range lists[0] {
			inAll := !slices.ContainsFunc(lists[1:], func(list []rune) bool {
				_, there := slices.BinarySearch(list, r)
				return !there
			})
			if inAll && !yield(Char{r, Name(r)}) {
				return
			}
		}
	}
}

// has reports whether the ideograph r is in the index.
func (x *Index) has(r rune) bool {
	prefix, _ := ideograph(r)
	_, there := slices.BinarySearch(x.chars[Words(prefix)[0]], r)
	return there
}

// insert returns a copy of list with r in its place.
func insert(list []rune, r rune) []rune {
	at, there := slices.BinarySearch(list, r)
	if there {
		return list
	}
	return slices.Insert(slices.Clone(list), at, r)
}
