package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// line is one behaviour of the catalogue.
type line struct {
	id         string
	area       string
	applicable bool // it means something in Go
}

// catalogue is the list of behaviours, by area, in the order of the document.
type catalogue struct {
	areas  []string
	titles map[string]string
	lines  map[string][]line // by area
}

var (
	areaHeading = regexp.MustCompile(`^## ([A-Z][A-Z0-9]*): (.+)$`)
	lineItem    = regexp.MustCompile(`^- ([A-Z][A-Z0-9]*)-(\d{3}) \[(core|adapted|n/a)`)
)

// parseCatalogue reads the document. Headings that name no area, and text, are skipped.
func parseCatalogue(r io.Reader) (*catalogue, error) {
	c := &catalogue{titles: map[string]string{}, lines: map[string][]line{}}
	seen := map[string]bool{}
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		if m := areaHeading.FindStringSubmatch(in.Text()); m != nil {
			c.areas = append(c.areas, m[1])
			c.titles[m[1]] = m[2]
			continue
		}
		m := lineItem.FindStringSubmatch(in.Text())
		if m == nil {
			continue
		}
		l := line{id: m[1] + "-" + m[2], area: m[1], applicable: m[3] != "n/a"}
		switch {
		case seen[l.id]:
			return nil, fmt.Errorf("%s stands twice in the catalogue", l.id)
		case c.titles[l.area] == "":
			return nil, fmt.Errorf("%s stands before the heading of its area", l.id)
		}
		seen[l.id] = true
		c.lines[l.area] = append(c.lines[l.area], l)
	}
	return c, in.Err()
}

// has reports whether the catalogue has a line with this ID.
func (c *catalogue) has(id string) bool {
	area, _, _ := strings.Cut(id, "-")
	for _, l := range c.lines[area] {
		if l.id == id {
			return true
		}
	}
	return false
}

// parseReasons reads lines of the form "ID reason"; empty lines and those that begin with # are
// comments.
func parseReasons(r io.Reader) (map[string]string, error) {
	reasons := map[string]string{}
	in := bufio.NewScanner(r)
	for in.Scan() {
		text := strings.TrimSpace(in.Text())
		if text == "" || text[0] == '#' {
			continue
		}
		id, reason, ok := strings.Cut(text, " ")
		if !ok {
			return nil, fmt.Errorf("%s has no reason", id)
		}
		reasons[id] = strings.TrimSpace(reason)
	}
	return reasons, in.Err()
}
