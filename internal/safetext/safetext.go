// Package safetext makes text safe to show: text of a peer, a child, a file or a user that a
// program prints, logs or puts into an error. Such text can forge log lines, send escape sequences
// to a terminal, hide or reorder other text, carry secrets, or be huge.
//
// Every function returns its argument, without allocating, if nothing is wrong with it. The result
// of Line, Cut or Lines is safe for them; hidden secrets of URLs stay hidden. A backslash is not
// escaped: the result is for people to read, not for programs to parse.
package safetext

import (
	"strconv"
	"unicode/utf8"
)

const (
	// MaxLine is the greatest length of the result of [Line], in bytes.
	MaxLine = 1 << 10
	// MaxLines is the greatest length of the result of [Lines], in bytes.
	MaxLines = 64 << 10
)

// Line returns s as one line that is safe to show. It escapes
//
//   - control characters (C0, DEL and C1; a line feed becomes \n)
//   - line and paragraph separators, and bidirectional controls
//   - characters that show nothing (zero width, fillers, tags)
//   - characters that Unicode has not assigned, and bytes that are not UTF-8
//
// Text that is too long is cut, and ends with a mark that counts the bytes of s left out.
func Line(s string) string { return Cut(s, MaxLine) }

// Cut is [Line] with another limit: the result has at most limit bytes.
func Cut(s string, limit int) string { return show(s, limit, false, 0) }

// Lines is [Line] for text of several lines, such as a stack or the output of a program. Line feeds
// and tabs stay. A carriage return and a line feed at the end of a line become a line feed.
func Lines(s string) string { return show(s, MaxLines, true, 0) }

// Message is [Line] for text in which URLs may occur, such as a name or an error: of each, the user
// information and the values of the query are hidden, as by [URL].
func Message(s string) string {
	if len(s) <= longMessage {
		return Line(hideInside(s))
	}
	// The rest may be megabytes, and is not shown. A URL that goes on there may have secrets in the
	// rest, so it is hidden.
	head := s[:longMessage]
	if i := lastURL(head); i >= 0 {
		head = head[:i] + hidden
	}
	return show(hideInside(head), MaxLine, false, len(s)-longMessage)
}

// longMessage is how much of a message is looked at.
const longMessage = 16 * MaxLine

// lastURL returns where the authority of a URL begins that is not over at the end of s, -1 if there
// is none.
func lastURL(s string) int {
	for begin := 0; ; {
		i := slashes(s[begin:])
		if i < 0 {
			return -1
		}
		begin += i
		for begin < len(s) && (s[begin] == '/' || s[begin] == '\\') {
			begin++
		}
		end := begin
		for end < len(s) && !endsURL(s[end]) {
			end++
		}
		if end == len(s) {
			return begin
		}
		begin = end
	}
}

// unknown says that a text goes on, and nobody knows how far.
const unknown = -1

// show makes s safe. With lines it may have several. It goes on for more bytes, or unknown, behind
// its end.
func show(s string, limit int, lines bool, more int) string {
	if more == 0 && len(s) <= limit && clean(s, lines) {
		return s
	}
	limit = max(limit, 0)
	mark := cutMark(len(s), more) // as long as it can be
	room := limit - len(mark)     // for text, if it has to be cut
	if room < 0 {
		mark, room = "", limit
	}
	b := make([]byte, 0, min(limit, len(s)+len(s)/4+16))
	end, rest := 0, len(s) // where to cut b, and how much of s is left out then
	for i := 0; i < len(s) && len(b) <= limit; {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case lines && r == '\r' && i+1 < len(s) && s[i+1] == '\n':
			// the line feed follows
		case good(r, n, lines):
			b = append(b, s[i:i+n]...)
		default:
			b = escape(b, s[i], r, n)
		}
		i += n
		if len(b) <= room {
			end, rest = len(b), len(s)-i
		}
	}
	if len(b) <= limit && more == 0 {
		return string(b)
	}
	if mark != "" {
		mark = cutMark(rest, more)
	}
	return string(append(b[:end], mark...))
}

// cutMark stands for n bytes that were left out, and more.
func cutMark(n, more int) string {
	if more == unknown {
		return "…"
	}
	return "…(+" + strconv.Itoa(n+more) + " bytes)"
}

// clean reports whether nothing in s needs an escape.
func clean(s string, lines bool) bool {
	for i := 0; i < len(s); {
		if c := s[i]; c >= 0x20 && c < 0x7f {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if !good(r, n, lines) {
			return false
		}
		i += n
	}
	return true
}

// good reports whether r, which takes n bytes, can be shown as it is.
func good(r rune, n int, lines bool) bool {
	switch {
	case r >= 0x20 && r < 0x7f:
		return true
	case r == '\n' || r == '\t':
		return lines
	case r == utf8.RuneError && n == 1:
		return false
	}
	return strconv.IsGraphic(r) && !invisible(r)
}

// invisible reports whether r is graphic by its category, but shows nothing: characters that hide
// text, or hide in it. The variation selectors of emoji (U+FE0E and U+FE0F) are not among them.
func invisible(r rune) bool {
	switch {
	case r < 0x34f:
		return false
	case r == 0x34f, r == 0x115f, r == 0x1160, r == 0x17b4, r == 0x17b5, r == 0x2800,
		r == 0x3164, r == 0xffa0:
		return true
	case r >= 0x180b && r <= 0x180f, r >= 0xfe00 && r <= 0xfe0d, r >= 0xe0000 && r <= 0xe0fff:
		return true
	}
	return false
}

const hexDigits = "0123456789abcdef"

// escape appends r, which takes n bytes of which first is the first, in the notation of Go.
func escape(b []byte, first byte, r rune, n int) []byte {
	switch {
	case r == '\n':
		return append(b, `\n`...)
	case r == '\r':
		return append(b, `\r`...)
	case r == '\t':
		return append(b, `\t`...)
	case n == 1: // a control character, or a byte that is not UTF-8
		return append(b, '\\', 'x', hexDigits[first>>4], hexDigits[first&15])
	}
	digits := 4
	b = append(b, '\\', 'u')
	if r > 0xffff {
		b[len(b)-1], digits = 'U', 8
	}
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&15])
	}
	return b
}
