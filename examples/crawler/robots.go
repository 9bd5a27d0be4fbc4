package main

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rules are the rules of a robots.txt for one robot, by RFC 9309. The existing libraries have not
// been maintained for years, and this program needs only a few rules.
//
// Looking a page up takes no longer than reading its path a few times, however many rules there
// are: those without a wildcard are in maps, and there are at most mostWild of the others.
type rules struct {
	prefixes map[string]bool // patterns without a wildcard, and whether they allow
	lengths  []int           // of these, the longest first
	paths    map[string]bool // patterns whose only wildcard is the $ at the end, without it
	// all others, the longest first, and of the same length those first that allow
	wild []rule

	delay   time.Duration // Crawl-delay, which many sites use though the RFC has none
	nothing bool          // is allowed: the host could not tell, or has too many rules
	err     error         // why not, if it could not be asked
}

// rule is one whose pattern has a *.
type rule struct {
	parts  []string // of the pattern, between the stars
	whole  bool     // it had a $ at the end
	length int      // of the pattern
	allow  bool
}

const (
	// mostWild is how many patterns with a * a robots.txt may have. If it has more, reading it
	// costs too much, and everything is forbidden.
	mostWild = 1000
	// longestDelay is how much of a Crawl-delay is heeded.
	longestDelay = 30 * time.Second
)

// parseRobots reads the groups that are for the robot, or those for all if there is none.
func parseRobots(text, robot string) *rules {
	own, all := newRules(), newRules()
	hasOwn := false
	isNaming, forOwn, forAll := false, false, false // the group we are in
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line, _, _ = strings.Cut(line, "#")
		field, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		field, value = strings.ToLower(strings.TrimSpace(field)), strings.TrimSpace(value)
		if field == "user-agent" {
			if !isNaming {
				forOwn, forAll = false, false
			}
			isNaming = true
			switch name, _, _ := strings.Cut(value, "/"); {
			case value == "*":
				forAll = true
			case strings.EqualFold(name, robot):
				hasOwn, forOwn = true, true
			}
			continue
		}
		switch field {
		case "allow", "disallow", "crawl-delay":
			isNaming = false
		}
		if forOwn {
			own.add(field, value)
		}
		if forAll {
			all.add(field, value)
		}
	}
	if hasOwn {
		return own.sorted()
	}
	return all.sorted()
}

func newRules() *rules { return &rules{prefixes: map[string]bool{}, paths: map[string]bool{}} }

func (r *rules) add(field, value string) {
	switch field {
	case "allow", "disallow":
		r.addPattern(value, field == "allow")
	case "crawl-delay":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 {
			r.delay = time.Duration(min(s, longestDelay.Seconds()) * float64(time.Second))
		}
	}
}

// addPattern adds a rule; an empty pattern is ignored. Of two rules with the same pattern the one
// that allows counts.
func (r *rules) addPattern(pattern string, allow bool) {
	start, whole := strings.CutSuffix(pattern, "$")
	switch {
	case pattern == "":
	case strings.Contains(pattern, "*"):
		if len(r.wild) == mostWild {
			r.nothing = true
			return
		}
		r.wild = append(r.wild, rule{strings.Split(start, "*"), whole, len(pattern), allow})
	case whole:
		r.paths[start] = r.paths[start] || allow
	default:
		r.prefixes[pattern] = r.prefixes[pattern] || allow
	}
}

// sorted prepares the rules for look-ups.
func (r *rules) sorted() *rules {
	lengths := map[int]bool{}
	for pattern := range r.prefixes {
		if !lengths[len(pattern)] {
			lengths[len(pattern)] = true
			r.lengths = append(r.lengths, len(pattern))
		}
	}
	slices.SortFunc(r.lengths, func(a, b int) int { return cmp.Compare(b, a) })
	slices.SortStableFunc(r.wild, func(a, b rule) int {
		if a.length == b.length && a.allow != b.allow {
			if a.allow {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.length, a.length)
	})
	return r
}

// allow reports whether a page may be fetched. The longest matching pattern decides, and of two the
// one that allows.
func (r *rules) allow(u *url.URL) bool {
	if r.nothing {
		return false
	}
	path := u.EscapedPath()
	if path == "/robots.txt" {
		return true
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	allowed, longest := true, -1
	decide := func(length int, allow bool) {
		if length > longest || length == longest && allow {
			allowed, longest = allow, length
		}
	}
	for _, n := range r.lengths {
		if n > len(path) {
			continue
		}
		if allow, found := r.prefixes[path[:n]]; found {
			decide(n, allow)
			break
		}
	}
	if allow, found := r.paths[path]; found {
		decide(len(path)+len("$"), allow)
	}
	for i := range r.wild {
		w := &r.wild[i]
		if w.length < longest || w.length == longest && allowed {
			break
		}
		if w.matches(path) {
			decide(w.length, w.allow)
			break
		}
	}
	return allowed
}

// matches reports whether path begins with the pattern. In the pattern * matches any text, and a $
// at the end matches the end. Each part is matched as early as possible, which leaves most for the
// others; so there is no backtracking.
func (w *rule) matches(path string) bool {
	path, found := strings.CutPrefix(path, w.parts[0])
	last := len(w.parts) - 1
	for _, part := range w.parts[1:last] {
		if !found {
			return false
		}
		_, path, found = strings.Cut(path, part)
	}
	switch {
	case !found:
		return false
	case w.whole:
		return strings.HasSuffix(path, w.parts[last])
	}
	return strings.Contains(path, w.parts[last])
}
