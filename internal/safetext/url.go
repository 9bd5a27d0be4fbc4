package safetext

import (
	"strings"
)

// hidden replaces a secret.
const hidden = "xxxxx"

// URL returns a URL as one safe line without secrets: it hides the user information, the values of
// the query and the fragment. The names of the query's parameters stay; a parameter without "="
// counts as a value. Text that does not parse as a URL is treated alike. A reference without a
// scheme, such as the path and query of a request, is allowed.
func URL(raw string) string { return Line(hide(raw)) }

// hide hides the secrets of a URL.
func hide(raw string) string {
	begin, at := UserInfo(raw)
	rest, fragment, hasFragment := strings.Cut(raw[at:], "#")
	rest, query, hasQuery := strings.Cut(rest, "?")
	if isHidden(raw[begin:at]) && isHidden(fragment) && queryIsHidden(query) {
		return raw
	}
	var b strings.Builder
	if at > begin {
		b.WriteString(raw[:begin])
		b.WriteString(hidden)
	}
	b.WriteString(rest)
	if hasQuery {
		b.WriteByte('?')
		hideQuery(&b, query)
	}
	if hasFragment {
		b.WriteByte('#')
		hideValue(&b, fragment)
	}
	return b.String()
}

// isHidden reports whether nothing of s is to be hidden any more.
func isHidden(s string) bool { return s == "" || s == hidden }

func hideValue(b *strings.Builder, s string) {
	if s != "" {
		b.WriteString(hidden)
	}
}

// UserInfo returns where the user information of a URL begins and ends; if there is none, 0 and 0.
// A password with a character that should have been escaped ends the authority early; what follows
// the colon is no port then. Slashes may be missing, doubled or the wrong ones: what does not parse
// has secrets as well.
func UserInfo(raw string) (begin, at int) {
	begin = authorityOf(raw)
	authority := raw[begin:]
	if i := strings.IndexAny(authority, `/\?#`); i >= 0 {
		authority = authority[:i]
	}
	at = strings.LastIndexByte(authority, '@')
	if at < 0 && begin > 0 {
		if i := strings.LastIndexByte(authority, ':'); i >= 0 && !isPort(authority[i+1:]) {
			at = strings.LastIndexByte(raw[begin:], '@')
		}
	}
	if at <= 0 {
		return 0, 0
	}
	return begin, begin + at
}

// authorityOf returns where the authority of a URL begins: behind its scheme and the slashes.
// Without slashes it begins with s, since a name may come first and not a scheme. A single slash
// begins a path, unless there is a scheme before it.
func authorityOf(raw string) int {
	i := 0
	for i < len(raw) && isScheme(raw[i]) {
		i++
	}
	if i < len(raw) && raw[i] == ':' {
		i++
	} else {
		i = 0
	}
	begin := i
	for begin < len(raw) && (raw[begin] == '/' || raw[begin] == '\\') {
		begin++
	}
	if begin > i && begin > 1 {
		return begin
	}
	if i := strings.Index(raw, "://"); i >= 0 { // behind what is no scheme
		return i + len("://")
	}
	return 0
}

// isPort reports whether s can be a port, or the end of an IPv6 address.
func isPort(s string) bool {
	return strings.Trim(s, "0123456789") == "" || strings.Contains(s, "]")
}

func queryIsHidden(query string) bool {
	for len(query) > 0 {
		var pair string
		pair, query = cutPair(query)
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			value = name
		}
		if !isHidden(value) {
			return false
		}
	}
	return true
}

func hideQuery(b *strings.Builder, query string) {
	for len(query) > 0 {
		all := query
		var pair string
		pair, query = cutPair(query)
		name, value, ok := strings.Cut(pair, "=")
		if ok {
			b.WriteString(name)
			b.WriteByte('=')
		} else {
			value = name
		}
		hideValue(b, value)
		if n := len(pair); n < len(all) {
			b.WriteByte(all[n])
		}
	}
}

// cutPair cuts the first parameter off a query.
func cutPair(query string) (pair, rest string) {
	if i := strings.IndexAny(query, "&;"); i >= 0 {
		return query[:i], query[i+1:]
	}
	return query, ""
}

// hideInside hides the secrets of the URLs in s. A URL is text with two slashes in a row, of either
// kind.
func hideInside(s string) string {
	var b strings.Builder
	done := 0 // how much of s is done
	for next := 0; ; {
		i := slashes(s[next:])
		if i < 0 {
			break
		}
		begin := next + i
		slashesEnd := begin + 2
		if begin > done && s[begin-1] == ':' {
			begin--
			for begin > done && isScheme(s[begin-1]) {
				begin--
			}
		}
		end := quoteEnd(s, begin)
		if end < 0 {
			for end = slashesEnd; end < len(s) && !endsURL(s[end]); {
				end++
			}
			next = end
			for end > slashesEnd && strings.IndexByte(".,:;!)]}'", s[end-1]) >= 0 {
				end-- // it belongs to the text around the URL
			}
		} else {
			next = end
		}
		if safe := hide(s[begin:end]); safe != s[begin:end] {
			b.WriteString(s[done:begin])
			b.WriteString(safe)
			done = end
		}
	}
	if done == 0 {
		return s
	}
	b.WriteString(s[done:])
	return b.String()
}

// slashes returns where in s two slashes in a row are, -1 if there are none.
func slashes(s string) int {
	for i := 1; i < len(s); i++ {
		if c := s[i]; c != '/' && c != '\\' {
			continue
		} else if c := s[i-1]; c == '/' || c == '\\' {
			return i - 1
		}
	}
	return -1
}

// quoteEnd returns where a URL ends that begins at i, if it stands in quotes: there it may have
// spaces in it. Otherwise it returns -1.
func quoteEnd(s string, i int) int {
	if i == 0 || s[i-1] != '"' {
		return -1
	}
	for ; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++ // what follows is escaped
		case '"':
			return i
		}
	}
	return -1
}

// endsURL reports whether a URL in a text ends before c.
func endsURL(c byte) bool {
	return c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>' || c == '`'
}

func isScheme(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' ||
		c == '-' || c == '.'
}
