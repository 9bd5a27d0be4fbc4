package main

import (
	"bytes"
	"testing"
)

func TestTheJSONHasTheDocumentedShape(t *testing.T) {
	w := work{name: "yield", unit: nsPerOp}
	seats := []*seat{{name: "aio", figures: []float64{70.123, 70.126}},
		{name: "goroutine", figures: []float64{88}}}
	rep := report{
		Suite:  "micro",
		Rows:   []row{newRow(w, 2, seats)},
		Absent: map[string]string{"trio": "not installed"},
	}
	var out bytes.Buffer
	if err := rep.writeJSON(&out); err != nil {
		t.Fatal(err)
	}
	const want = `{
  "suite": "micro",
  "rows": [
    {
      "work": "yield",
      "unit": "ns/op",
      "procs": 2,
      "results": {
        "aio": 70.12,
        "goroutine": 88
      }
    }
  ],
  "absent": {
    "trio": "not installed"
  }
}
`
	if out.String() != want {
		t.Errorf("the JSON is\n%s\nwant\n%s", &out, want)
	}
}

func TestTheTableHasRatiosToTheBaselineAndTheAims(t *testing.T) {
	w := work{
		name: "w", unit: nsPerOp, about: "work", baseline: "goroutine", baselineIs: "the usual way",
		aims: []aim{{max: 0.6, rival: "goroutine"}, {max: 0.85, rival: "goroutine", procs: 1},
			{max: 1.2, rival: "aio", work: "before"}, {max: 2, rival: "conc"}},
	}
	rep := report{Rows: []row{
		{Work: "before", Procs: 1, Results: map[string]float64{"aio": 50}},
		{Work: "w", Procs: 1, Results: map[string]float64{"aio": 70, "goroutine": 100, "asyncio": 2000}},
	}}
	var out bytes.Buffer
	rep.writeRow(&out, w, []string{"aio", "goroutine", "conc", "asyncio"})
	const want = `w, GOMAXPROCS=1: work
  aio              70.0 ns/op  ± 0%     0.70
  goroutine         100 ns/op  ± 0%     1.00  the usual way
  asyncio          2000 ns/op  ± 0%     20.0
  aim: aio at most 0.85 x goroutine: 0.700, met
  aim: aio at most 1.20 x aio at before: 1.400, missed

`
	if out.String() != want {
		t.Errorf("the block is\n%s\nwant\n%s", &out, want)
	}
}

func TestAnAimForOneGOMAXPROCSReplacesTheGeneralOneThere(t *testing.T) {
	works, err := pick(micro, "create_await")
	if err != nil {
		t.Fatal(err)
	}
	w := works[0]
	for procs, want := range map[int]float64{1: 0.85, 2: 0.6, 4: 0.6} {
		aims := w.aimsAt(procs)
		if len(aims) != 2 || aims[0].max != want || aims[1].rival != "errgroup" {
			t.Errorf("%s at GOMAXPROCS=%d has the aims %v, want %v x goroutine and one for errgroup",
				w.name, procs, aims, want)
		}
	}
}
