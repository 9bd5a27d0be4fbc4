package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
)

// A report is what the program prints as JSON.
type report struct {
	Suite string `json:"suite"`
	Rows  []row  `json:"rows"`
	// Absent says which contestants could not take part and why; one that
	// failed at a single work is listed as "contestant/work".
	Absent map[string]string `json:"absent"`
}

// A row is one work at one GOMAXPROCS: the median figure of each contestant.
type row struct {
	Work    string             `json:"work"`
	Unit    string             `json:"unit"`
	Conns   int                `json:"conns,omitempty"` // suite net: connections
	Procs   int                `json:"procs"`
	Results map[string]float64 `json:"results"`
	// Rates are requests a second, in rows of the suite net whose figures are
	// CPU time.
	Rates map[string]float64 `json:"per_second,omitempty"`
	// Others are the CPUs that everything else on the machine used in these
	// rounds.
	Others *float64 `json:"others_cpus,omitempty"`

	spreads map[string]float64
}

// newRow takes the figures from the seats that have any.
func newRow(w work, procs int, seats []*seat) row {
	r := row{
		Work:    w.name,
		Unit:    w.unit,
		Procs:   procs,
		Results: map[string]float64{},
		spreads: map[string]float64{},
	}
	for _, s := range seats {
		if len(s.figures) > 0 && s.err == nil {
			r.Results[s.name] = round2(median(s.figures))
			r.spreads[s.name] = spread(s.figures)
		}
	}
	return r
}

// newNetRow does the same for the suite net, from so many samples of each.
func newNetRow(w work, procs int, seats []*netSeat, rounds int) row {
	r := row{
		Work:    w.name,
		Unit:    w.unit,
		Conns:   w.conns,
		Procs:   procs,
		Results: map[string]float64{},
		spreads: map[string]float64{},
	}
	var others []float64
	for _, s := range seats {
		if len(s.samples) == 0 || s.err != nil {
			continue
		}
		var figures, rates []float64
		for _, sample := range s.best(rounds) {
			figures = append(figures, sample.figure)
			rates = append(rates, sample.rate)
			others = append(others, sample.others)
		}
		r.Results[s.name] = round2(median(figures))
		r.spreads[s.name] = spread(figures)
		if rate := math.Round(median(rates)); rate > 0 {
			if r.Rates == nil {
				r.Rates = map[string]float64{}
			}
			r.Rates[s.name] = rate
		}
	}
	if len(others) > 0 && w.unit != bytesPerConn {
		cpus := round2(median(others))
		r.Others = &cpus
	}
	return r
}

// writeJSON prints the report as one indented JSON value.
func (r *report) writeJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// find returns the row of a work at a GOMAXPROCS.
func (r *report) find(work string, procs int) (row, bool) {
	for _, row := range r.Rows {
		if row.Work == work && row.Procs == procs {
			return row, true
		}
	}
	return row{}, false
}

// writeRow prints the last row of the report as a block of the table: each
// contestant's figure, and its ratio to the one the work names.
func (r *report) writeRow(out io.Writer, w work, names []string) {
	row := r.Rows[len(r.Rows)-1]
	fmt.Fprintf(out, "%s, GOMAXPROCS=%d: %s\n", w.title(), row.Procs, w.about)
	base, based := row.Results[w.baseline]
	for _, name := range names {
		figure, ok := row.Results[name]
		if !ok {
			if reason, failed := r.Absent[name+"/"+w.key()]; failed {
				fmt.Fprintf(out, "  %-10s failed: %s\n", name, reason)
			}
			continue
		}
		fmt.Fprintf(out, "  %-10s %10s %s  ±%2.0f%%",
			name, number(figure), w.unit, 100*row.spreads[name])
		if rate, ok := row.Rates[name]; ok {
			fmt.Fprintf(out, "  %7.0f/s", rate)
		}
		if based {
			fmt.Fprintf(out, "  %7s", number(figure/base))
			if name == w.baseline {
				fmt.Fprintf(out, "  %s", w.baselineIs)
			}
		}
		fmt.Fprintln(out)
	}
	for _, a := range w.aimsAt(row.Procs) {
		if ratio, ok := r.ratio(row, a); ok {
			verdict := "met"
			if ratio > a.max {
				verdict = "missed"
			}
			if a.rival == "" {
				fmt.Fprintf(out, "  aim: aio at most %s %s: %s, %s\n",
					number(a.max), w.unit, number(ratio), verdict)
				continue
			}
			fmt.Fprintf(out, "  aim: aio at most %s x %s: %.3f, %s\n",
				number(a.max), a.other(), ratio, verdict)
		}
	}
	if row.Others != nil && *row.Others > calm {
		fmt.Fprintf(out, "  others used %s CPUs meanwhile: measure again when the machine is "+
			"quiet\n", number(*row.Others))
	}
	fmt.Fprintln(out)
}

// title names the row of a work.
func (w work) title() string {
	if w.conns == 0 {
		return w.name
	}
	return fmt.Sprintf("%s, conns=%d", w.name, w.conns)
}

// ratio is aio's figure in the row to that of the rival the aim names, or the
// figure itself where it names none.
func (r *report) ratio(own row, a aim) (float64, bool) {
	if a.rival == "" {
		figure, ok := own.Results["aio"]
		return figure, ok
	}
	other := own
	if a.work != "" {
		var ok bool
		if other, ok = r.find(a.work, own.Procs); !ok {
			return 0, false
		}
	}
	aio, ok := own.Results["aio"]
	rival, ok2 := other.Results[a.rival]
	return aio / rival, ok && ok2
}

// other names what an aim compares aio with.
func (a aim) other() string {
	if a.work != "" {
		return a.rival + " at " + a.work
	}
	return a.rival
}

// aimsAt returns the aims for a GOMAXPROCS: an aim that names it replaces one for all.
func (w work) aimsAt(procs int) []aim {
	var aims []aim
	for _, a := range w.aims {
		if a.procs != 0 && a.procs != procs {
			continue
		}
		if a.procs == 0 && w.hasOwnAim(a.rival, procs) {
			continue
		}
		aims = append(aims, a)
	}
	return aims
}

func (w work) hasOwnAim(rival string, procs int) bool {
	for _, a := range w.aims {
		if a.rival == rival && a.procs == procs {
			return true
		}
	}
	return false
}

// number prints three digits or the whole part, whichever is longer.
func number(v float64) string {
	switch {
	case v >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	default:
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
}
