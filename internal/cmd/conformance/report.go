package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// home is the package, below the module, that an area is about. Areas that are not listed are about
// the root.
var home = map[string]string{
	"CN": "transport", "SV": "transport", "UD": "transport", "SK": "transport", "TR": "transport",
	"BP": "transport",
	"TL": "transport", "US": "transport", "UP": "transport", "SF": "transport", "ST": "transport",
	"S":  "stream",
	"SP": "subprocess", "CW": "subprocess",
	"AG": "aiter",
	"WN": "windows",
}

// report is the result: which lines have a test that passed.
type report struct {
	Areas      []areaReport `json:"areas"`
	Covered    int          `json:"covered"`
	Applicable int          `json:"applicable"`
	// claims whose test failed, as "ID package.Test"
	Failed  []string `json:"failed,omitempty"`
	Unknown []string `json:"unknown,omitempty"` // claims of lines that the catalogue does not have
}

type areaReport struct {
	Area       string      `json:"area"`
	Title      string      `json:"title"`
	Covered    int         `json:"covered"`
	Applicable int         `json:"applicable"`
	Uncovered  []uncovered `json:"uncovered,omitempty"`
}

type uncovered struct {
	ID     string `json:"id"`
	Reason string `json:"reason"`
}

// makeReport compares the catalogue with the claims and their outcomes. exists says whether there
// is a package for an area.
func makeReport(
	c *catalogue,
	claimed claims,
	ended outcomes,
	reasons map[string]string,
	exists func(area string) bool,
) *report {
	r := &report{}
	for id := range claimed {
		if !c.has(id) {
			r.Unknown = append(r.Unknown, id)
		}
	}
	slices.Sort(r.Unknown)
	for _, area := range c.areas {
		if !exists(area) {
			continue
		}
		a := areaReport{Area: area, Title: c.titles[area]}
		for _, l := range c.lines[area] {
			covered, why := false, reasons[l.id]
			for _, t := range claimed[l.id] {
				switch ended[t] {
				case "pass":
					covered = true
				case "fail":
					r.Failed = append(r.Failed, l.id+" "+t.String())
					why = "its test failed"
				case "skip":
					why = "its test was skipped"
				default:
					why = "its test did not run"
				}
			}
			if !l.applicable {
				continue
			}
			a.Applicable++
			if covered && !r.failed(l.id) {
				a.Covered++
				continue
			}
			if why == "" {
				why = "no test yet"
			}
			a.Uncovered = append(a.Uncovered, uncovered{l.id, why})
		}
		if a.Applicable == 0 {
			continue
		}
		r.Areas = append(r.Areas, a)
		r.Covered += a.Covered
		r.Applicable += a.Applicable
	}
	return r
}

func (r *report) failed(id string) bool {
	return slices.ContainsFunc(r.Failed, func(f string) bool {
		return strings.HasPrefix(f, id+" ")
	})
}

// ok reports whether every claim holds.
func (r *report) ok() bool { return len(r.Failed) == 0 && len(r.Unknown) == 0 }

func (r *report) print(w io.Writer) {
	for _, a := range r.Areas {
		fmt.Fprintf(w, "%-3s %3d / %-3d %s\n", a.Area, a.Covered, a.Applicable, a.Title)
	}
	for _, a := range r.Areas {
		for _, u := range a.Uncovered {
			fmt.Fprintf(w, "not covered: %s: %s\n", u.ID, u.Reason)
		}
	}
	for _, f := range r.Failed {
		fmt.Fprintf(w, "failed: %s\n", f)
	}
	for _, id := range r.Unknown {
		fmt.Fprintf(w, "unknown: a test claims %s, which is not in the catalogue\n", id)
	}
	fmt.Fprintf(w, "covered %d of %d\n", r.Covered, r.Applicable)
}

// existence makes the exists function of makeReport from the import paths of the packages there
// are.
func existence(module string, pkgs []string) func(area string) bool {
	return func(area string) bool { return slices.Contains(pkgs, path.Join(module, home[area])) }
}
