package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

// writeSummary writes how often each status came, how long answers took, and how many connections
// they took.
func writeSummary(w io.Writer, rows []*row, conns *connections) {
	byStatus := map[status]int{}
	var order []status
	var times []time.Duration
	failed, redirects := 0, 0
	for _, r := range rows {
		redirects += len(r.redirects)
		switch {
		case r.tries == 0:
		case r.err != nil:
			failed++
		default:
			times = append(times, r.took)
			if byStatus[r.status]++; byStatus[r.status] == 1 {
				order = append(order, r.status)
			}
		}
	}
	slices.SortFunc(order, func(a, b status) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.phrase, b.phrase))
	})
	fmt.Fprintln(w)
	for _, s := range order {
		fmt.Fprintf(w, "  %5d  %s\n",
			byStatus[s], cli.Printable(strings.TrimSpace(fmt.Sprint(s.code, " ", s.phrase))))
	}
	if failed > 0 {
		fmt.Fprintf(w, "  %5d  failed\n", failed)
	}
	if len(times) > 0 {
		slices.Sort(times)
		fmt.Fprintf(w, "\nThe time of an answer: min %s, median %s, p99 %s.\n",
			milliseconds(times[0]), milliseconds(quantile(times, 0.5)),
			milliseconds(quantile(times, 0.99)))
	}
	fmt.Fprintf(w, "%s over %s, %s followed.\n", several(conns.asked, "request"),
		several(conns.opened, "connection"), several(redirects, "redirect"))
}

// quantile returns the smallest of the sorted times that a share q of them does not exceed.
func quantile(sorted []time.Duration, q float64) time.Duration {
	at := int(q * float64(len(sorted)))
	if float64(at) == q*float64(len(sorted)) && at > 0 {
		at--
	}
	return sorted[min(at, len(sorted)-1)]
}

func several(n int, what string) string { return cli.Count(n, what) }
