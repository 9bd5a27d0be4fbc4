package main

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// rules are what a robots.txt says to one robot, by RFC 9309. The libraries there are have not been looked after for years, and what is
// needed here is little.
type rules struct {
	list    []rule
	delay   time.Duration // Crawl-delay, which many sites use though the RFC has none
	nothing bool          // is allowed: the host could not tell
	err     error         // why not, if it could not be asked
}

type rule struct {
	pattern string
	allow   bool
}

// parseRobots reads the groups that are for the robot, or those for all if there is none.
func parseRobots(text, robot string) *rules {
	var own, all rules
	var into []*rules // of the group we are in
	hasOwn, naming := false, false
	for line := range strings.Lines(strings.TrimPrefix(text, "\ufeff")) {
		line, _, _ = strings.Cut(line, "#")
		field, value, found := strings.Cut(line, ":")
		if !found {
			continue
		}
		field, value = strings.ToLower(strings.TrimSpace(field)), strings.TrimSpace(value)
		if field == "user-agent" {
			if !naming {
				into = nil
			}
			naming = true
			switch name, _, _ := strings.Cut(value, "/"); {
			case value == "*":
				into = append(into, &all)
			case strings.EqualFold(name, robot):
				hasOwn = true
				into = append(into, &own)
			}
			continue
		}
		switch field {
		case "allow", "disallow", "crawl-delay":
			naming = false
		}
		for _, r := range into {
			r.add(field, value)
		}
	}
	if hasOwn {
		return &own
	}
	return &all
}

func (r *rules) add(field, value string) {
	switch field {
	case "allow", "disallow":
		if value != "" {
			r.list = append(r.list, rule{value, field == "allow"})
		}
	case "crawl-delay":
		if s, err := strconv.ParseFloat(value, 64); err == nil && s > 0 && s < 3600 {
			r.delay = time.Duration(s * float64(time.Second))
		}
	}
}

// allow reports whether a page may be asked for: the longest pattern that matches decides, and of two the one that allows.
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
	for _, rule := range r.list {
		if n := len(rule.pattern); (n > longest || n == longest && rule.allow) && matches(rule.pattern, path) {
			allowed, longest = rule.allow, n
		}
	}
	return allowed
}

// matches reports whether path begins with the pattern, in which * stands for anything and a $ at the end for the end.
func matches(pattern, path string) bool {
	pattern, whole := strings.CutSuffix(pattern, "$")
	parts := strings.Split(pattern, "*")
	if !strings.HasPrefix(path, parts[0]) {
		return false
	}
	path = path[len(parts[0]):]
	if len(parts) == 1 {
		return !whole || path == ""
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, rest, found := strings.Cut(path, part)
		if !found {
			return false
		}
		path = rest
	}
	if whole {
		return strings.HasSuffix(path, parts[last])
	}
	return strings.Contains(path, parts[last])
}
