package main

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/internal/safetext"
)

// widestURL is the width of the first column beyond which a URL pushes the others aside.
const widestURL = 60

// writeTable writes a line for each site that was checked, in the order in which the sites were
// given.
func writeTable(w io.Writer, rows []*row) {
	width := len("site")
	for _, r := range rows {
		if n := utf8.RuneCountInString(cli.ShownURL(r.url)); n <= widestURL {
			width = max(width, n)
		}
	}
	line := func(site, took, result string) {
		fmt.Fprintf(w, "  %-*s  %8s  %s\n", width, site, took, result)
	}
	line("site", "time", "answer")
	for _, r := range rows {
		if r.tries > 0 {
			line(cli.Printable(cli.ShownURL(r.url)), milliseconds(r.took), r.result())
		}
	}
}

// result is the last column: what the site answered, or why it did not.
func (r *row) result() string {
	text := cli.Printable(strings.TrimSpace(fmt.Sprint(r.status.code, " ", r.status.phrase)))
	if r.err != nil {
		text = "FAILED  " + safetext.Message(reason(r.err))
	}
	for i, to := range r.redirects {
		text += fmt.Sprintf("%s %d to %s",
			[...]string{", after", ","}[min(i, 1)], to.Status, cli.Printable(to.URL))
	}
	if r.tries > 1 {
		text += fmt.Sprintf(" (try %d)", r.tries)
	}
	return text
}

// counts are the totals of a table.
type counts struct{ sites, checked, answered int }

func count(rows []*row) counts {
	c := counts{sites: len(rows)}
	for _, r := range rows {
		if r.tries > 0 {
			c.checked++
			if r.err == nil {
				c.answered++
			}
		}
	}
	return c
}

// String is the line below a table.
func (c counts) String() string {
	switch {
	case c.checked < c.sites:
		return fmt.Sprintf("%d of %d sites checked, %d answered", c.checked, c.sites, c.answered)
	case c.answered == c.sites && c.sites > 1:
		return fmt.Sprintf("all %d sites answered", c.sites)
	}
	return fmt.Sprintf("%d of %d sites answered", c.answered, c.sites)
}

// seconds formats a total time: 3.52 s, or 12 ms if it is short.
func seconds(d time.Duration) string {
	if d < 100*time.Millisecond {
		return milliseconds(d)
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
}

// shortDuration formats a limit as it was typed: 10s, 1m30s, 2m.
func shortDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
