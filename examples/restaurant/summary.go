package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// result is what an evening comes to. The names are those of -json.
type result struct {
	Evening     string  `json:"evening"`
	Bots        int     `json:"bots"`
	Parties     int     `json:"parties"`
	Served      int     `json:"served"`
	LeftHungry  int     `json:"left_hungry"`
	Seconds     float64 `json:"seconds"`
	LongestWait float64 `json:"longest_wait_seconds"`
	MeanVisit   float64 `json:"mean_visit_seconds"`
	LongestHold float64 `json:"longest_hold_seconds"`
	HeldBy      string  `json:"held_by"`
}

func (e *evening) result() result {
	h := e.house
	r := result{Evening: e.name, Bots: 1, Parties: len(h.parties), Seconds: rounded(h.ended)}
	var visits, wait time.Duration
	if e.threads {
		r.Bots = bots
	}
	for _, p := range h.parties {
		switch p.stage {
		case goneHome:
			r.Served++
			visits += p.visited
		case leftHungry:
			r.LeftHungry++
		}
		wait = max(wait, p.waited)
	}
	r.LongestWait = rounded(wait)
	if r.Served > 0 {
		r.MeanVisit = rounded(visits / time.Duration(r.Served))
	}
	if longest := h.longest(); longest.to > 0 {
		r.LongestHold, r.HeldBy = rounded(longest.to-longest.from), longest.bot.String()
	}
	return r
}

// rounded turns a time into seconds, to the tenth.
func rounded(d time.Duration) float64 { return d.Round(100 * time.Millisecond).Seconds() }

func writeJSON(w io.Writer, evenings []*evening) error {
	out := json.NewEncoder(w)
	for _, e := range evenings {
		if err := out.Encode(e.result()); err != nil {
			return err
		}
	}
	return nil
}

// writeSummary shows the evenings side by side.
func writeSummary(w io.Writer, evenings []*evening) error {
	var results []result
	text := fmt.Sprintf("%-30s", "")
	for _, e := range evenings {
		results = append(results, e.result())
		text += fmt.Sprintf("%28s", e.title)
	}
	line := func(name string, of func(result) string) {
		text += fmt.Sprintf("\n%-30s", name)
		for _, r := range results {
			text += fmt.Sprintf("%28s", of(r))
		}
	}
	line("parties served", func(r result) string {
		return fmt.Sprintf("%d of %d", r.Served, r.Parties)
	})
	line("left hungry", func(r result) string { return fmt.Sprint(r.LeftHungry) })
	line("the evening took", func(r result) string { return fmt.Sprintf("%.1f s", r.Seconds) })
	line("longest wait at the door", func(r result) string {
		return fmt.Sprintf("%.1f s", r.LongestWait)
	})
	line("a visit took, on average", func(r result) string {
		return fmt.Sprintf("%.1f s", r.MeanVisit)
	})
	line("the loop was held for up to", func(r result) string {
		if r.HeldBy == "" { // four threads, or Ctrl-C at the very beginning
			return "0.0 s"
		}
		return fmt.Sprintf("%.1f s, by %s", r.LongestHold, r.HeldBy)
	})
	_, err := fmt.Fprintln(w, text)
	return err
}
