package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

// writeReport writes the result: the pages, each below the first that leads to it, then numbers.
func (c *crawl) writeReport(out io.Writer, took time.Duration) error {
	w := bufio.NewWriter(out)
	children := c.tree()
	var show func(p *page, depth int)
	show = func(p *page, depth int) {
		fmt.Fprintf(w, "%s%s\n", strings.Repeat("  ", min(depth, 30)), c.line(p))
		for _, child := range children[p] {
			show(child, depth+1)
		}
	}
	for _, p := range children[nil] {
		show(p, 0)
	}
	c.writeNumbers(w, took)
	return w.Flush()
}

// tree returns the pages that are shown below each, those at the top below nil. A page is below the
// first that leads to it on a shortest way.
func (c *crawl) tree() map[*page][]*page {
	children, placed := map[*page][]*page{}, map[*page]bool{}
	var level []*page
	place := func(below, p *page, to []*page) []*page {
		if p == nil || placed[p] {
			return to
		}
		placed[p] = true
		children[below] = append(children[below], p)
		return append(to, p)
	}
	for _, p := range c.starts {
		level = place(nil, p, level)
	}
	for len(level) > 0 {
		for i := 0; i < len(level); i++ { // grows by redirects, which are as far away
			level = place(level[i], level[i].redirect, level)
		}
		var next []*page
		for _, p := range level {
			for _, link := range p.links {
				next = place(p, link, next)
			}
		}
		level = next
	}
	return children
}

// line is what the report says about a page.
func (c *crawl) line(p *page) string {
	name := p.url.RequestURI()
	if len(c.scope) > 1 || c.span || slices.Contains(c.starts, p) {
		name = p.url.String()
	}
	text := name
	switch {
	case p.state == known && p.depth > c.depth:
		text += "  (not visited: too deep)"
	case p.state != done:
		text += "  (not visited)"
	case p.skipped != "":
		text += "  (left alone: " + p.skipped + ")"
	case p.err != nil:
		text += "  ERROR " + cli.Line(p.err)
	case p.redirect != nil:
		text += fmt.Sprintf("  %d, see %s", p.status, p.redirect.url.RequestURI())
	case p.status != http.StatusOK:
		text += fmt.Sprintf("  %d %s", p.status, http.StatusText(p.status))
	case p.title != "":
		text += "  " + p.title
	case p.kind != "":
		text += "  " + p.kind
	}
	if p.cut {
		text += "  (read in part)"
	}
	return cli.Printable(text)
}

// writeNumbers is the end of the report.
func (c *crawl) writeNumbers(w io.Writer, took time.Duration) {
	statuses, skipped := map[string]int{}, map[string]int{}
	var bytes int64
	var times []time.Duration
	asked := 0
	for _, p := range c.order {
		switch {
		case p.state == known && p.depth > c.depth:
			skipped["too deep"]++
		case p.state != done:
			skipped["not visited"]++
		case p.skipped != "":
			skipped[p.skipped]++
		case p.err != nil:
			asked++
			statuses["no answer"]++
		default:
			asked++
			statuses[fmt.Sprintf("%d %s", p.status, http.StatusText(p.status))]++
			bytes += p.bytes
			times = append(times, p.took)
		}
	}
	fmt.Fprintf(w, "\n%s visited in %.2f s, %.1f KB; deepest %d\n",
		cli.Count(asked, "page"), took.Seconds(), float64(bytes)/1000, c.deepest())
	list := func(what string, counts map[string]int) {
		for _, name := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(w, "  %-10s %6d  %s\n", what, counts[name], name)
		}
	}
	list("answers", statuses)
	list("left out", skipped)
	if len(c.beyond) > 0 {
		fmt.Fprintf(w, "  %-10s %6d  on other hosts\n", "links", len(c.beyond))
	}
	if c.over > 0 {
		fmt.Fprintf(w, "  %-10s %6d  links, beyond a bound of -links, -known or -longest\n",
			"left out", c.over)
	}
	if len(times) > 0 {
		slices.Sort(times)
		ms := func(d time.Duration) string {
			return fmt.Sprintf("%.0f ms", float64(d)/float64(time.Millisecond))
		}
		fmt.Fprintf(w, "  times      with waiting for a turn: fastest %s, median %s, slowest %s\n",
			ms(times[0]), ms(times[len(times)/2]), ms(times[len(times)-1]))
	}
	if !c.broken(c.order) {
		return
	}
	fmt.Fprintln(w, "\nBroken, and where they are linked from:")
	all := c.sorted()
	from := map[*page][]*page{} // those that lead to a broken one
	for _, q := range all {
		for _, p := range q.links {
			if p.broken() {
				from[p] = append(from[p], q)
			}
		}
		if p := q.redirect; p != nil && p.broken() && !slices.Contains(q.links, p) {
			from[p] = append(from[p], q)
		}
	}
	const mostFrom = 10
	for _, p := range all {
		if !p.broken() {
			continue
		}
		fmt.Fprintf(w, "  %s\n", c.line(p))
		list := from[p]
		for _, q := range list[:min(len(list), mostFrom)] {
			fmt.Fprintf(w, "    from %s\n", cli.Printable(q.url.RequestURI()))
		}
		if more := len(list) - mostFrom; more > 0 {
			fmt.Fprintf(w, "    and from %s\n", cli.Count(more, "other page"))
		}
	}
}

func (c *crawl) deepest() int {
	deepest := 0
	for _, p := range c.order {
		if p.state == done {
			deepest = max(deepest, p.depth)
		}
	}
	return deepest
}

// writeJSON writes a line a page, the nearest first.
func (c *crawl) writeJSON(out io.Writer) error {
	w := bufio.NewWriter(out)
	for _, p := range c.sorted() {
		line := struct {
			URL          string   `json:"url"`
			Depth        int      `json:"depth"`
			Status       int      `json:"status,omitempty"`
			Type         string   `json:"type,omitempty"`
			Title        string   `json:"title,omitempty"`
			Bytes        int64    `json:"bytes"`
			Milliseconds int64    `json:"milliseconds"`
			Links        []string `json:"links,omitempty"`
			Redirect     string   `json:"redirect,omitempty"`
			Skipped      string   `json:"skipped,omitempty"`
			Error        string   `json:"error,omitempty"`
		}{
			URL:          p.url.String(),
			Depth:        p.depth,
			Status:       p.status,
			Type:         p.kind,
			Title:        p.title,
			Bytes:        p.bytes,
			Milliseconds: p.took.Milliseconds(),
			Skipped:      p.skipped,
		}
		for _, link := range p.links {
			line.Links = append(line.Links, link.url.String())
		}
		if p.redirect != nil {
			line.Redirect = p.redirect.url.String()
		}
		if p.err != nil {
			line.Error = cli.Line(p.err)
		}
		switch {
		case p.state == known && p.depth > c.depth:
			line.Skipped = "too deep"
		case p.state != done:
			line.Skipped = "not visited"
		}
		if err := cli.WriteJSON(w, line); err != nil {
			return err
		}
	}
	return w.Flush()
}

// sorted returns all pages, the nearest first.
func (c *crawl) sorted() []*page {
	all := slices.Clone(c.order)
	slices.SortFunc(all, func(a, b *page) int {
		if a.depth != b.depth {
			return a.depth - b.depth
		}
		return strings.Compare(a.url.String(), b.url.String())
	})
	return all
}
