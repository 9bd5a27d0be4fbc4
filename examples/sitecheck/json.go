package main

import (
	"io"
	"math"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/internal/safetext"
)

// record is a row as a program reads it. Every field is always there.
type record struct {
	URL    string `json:"url"`
	Status int    `json:"status"` // 0 if the site did not answer
	// the phrase that came with the status, or why there is none
	Reason       string  `json:"reason"`
	Milliseconds float64 `json:"milliseconds"`
	// the error itself, for those who search for it; "" if the site answered
	Error string `json:"error"`
	// The places the site has sent us to, with the statuses that did.
	Redirects []redirect `json:"redirects"`
}

// writeJSON writes an object for each site that was checked, one on a line.
func writeJSON(w io.Writer, rows []*row) error {
	for _, r := range rows {
		if r.tries == 0 {
			continue
		}
		rec := record{
			URL:       cli.ShownURL(r.url),
			Status:    r.status.code,
			Reason:    r.status.phrase,
			Redirects: r.redirects,
		}
		if rec.Redirects == nil {
			rec.Redirects = []redirect{}
		}
		rec.Milliseconds = math.Round(r.took.Seconds()*1e4) / 10
		if r.err != nil {
			rec.Reason, rec.Error = safetext.Message(reason(r.err)), cli.Line(r.err)
		}
		if err := cli.WriteJSON(w, rec); err != nil {
			return err
		}
	}
	return nil
}
