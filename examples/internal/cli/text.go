package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/aio-go/aio/internal/safetext"
)

// Printable replaces characters that could make a terminal do other things than print, forge a line
// or hide text: those that package safetext calls unsafe. It is for foreign text that is shown in
// place, such as a title; errors are shown with [Line].
func Printable(text string) string {
	if safetext.Cut(text, len(text)) == text {
		return text
	}
	return strings.Map(func(c rune) rune {
		if isUnsafe(c) {
			return '?'
		}
		return c
	}, text)
}

// Line is an error as one line that is safe to print, without the secrets of URLs.
func Line(err error) string {
	return safetext.Message(strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

// Short returns a text that has at most n characters, the last of which are dots if it had more.
func Short(text string, n int) string {
	if len(text) <= n || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-3]) + "..."
}

// Count is a number of things in words: "1 page", "2 pages".
func Count[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "ch") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// WriteJSON writes a value in one line of JSON. Control characters are written as escapes, so that
// the line is safe to look at and says the same to a program.
func WriteJSON(w io.Writer, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return err
}

// escapeJSON writes unprintable characters as \uXXXX. Outside of strings JSON has only ASCII.
func escapeJSON(line []byte) []byte {
	text, end := bytes.CutSuffix(line, []byte("\n"))
	if !end || !bytes.ContainsFunc(text, isUnsafe) {
		return line
	}
	var b bytes.Buffer
	for _, c := range string(text) {
		switch {
		case !isUnsafe(c):
			b.WriteRune(c)
		case c > 0xffff:
			high := (c - 0x10000) >> 10
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+high, 0xdc00+(c-0x10000)&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, c)
		}
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// isUnsafe reports whether a character must not be shown as it is.
func isUnsafe(c rune) bool {
	if c >= ' ' && c < 0x7f {
		return false
	}
	text := string(c)
	return safetext.Line(text) != text
}

// Closest returns those of the names that a wrong one may have been meant for: it has them in it,
// is in them, or differs by a slip or two of the finger.
func Closest(wrong string, names []string) []string {
	wrong = strings.ToLower(wrong)
	var close []string
	least := max(1, min(2, len(wrong)/3)) // slips: one, two in a long name
	for _, name := range names {
		if d := distance(wrong, strings.ToLower(name)); d <= least && len(wrong) > 1 {
			if d < least {
				close, least = nil, d
			}
			close = append(close, name)
		}
	}
	if close != nil {
		return close
	}
	for _, name := range names {
		if lower := strings.ToLower(name); len(wrong) > 2 && (strings.Contains(lower, wrong) ||
			len(lower) > 2 && strings.Contains(wrong, lower)) {
			close = append(close, name)
		}
	}
	return close
}

// Suggest is the end of a sentence that says that there is no such name.
func Suggest(wrong string, names []string) string {
	if close := Closest(Short(wrong, 100), names); len(close) > 0 {
		return "; there is " + strings.Join(close, ", ")
	}
	return ""
}

// distance is how many letters have to be put in, left out, changed or swapped with their neighbour
// to get from a to b.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			row[j+1] = min(above[j]+change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(y)]
}
