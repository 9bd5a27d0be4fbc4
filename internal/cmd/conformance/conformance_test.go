package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const smallCatalogue = `# Title

## How to read a line

- ` + "`[core]`" + ` is explained here.

## T: Tasks

- T-001 [core] Given one (file: test)
- T-002 [adapted: R1] Given two (file: test)
- T-003 [n/a: Python] Given three (file: test)

## TR: Transports

- TR-001 [core] Given four (file: test)
`

func small(t *testing.T) *catalogue {
	t.Helper()
	c, err := parseCatalogue(strings.NewReader(smallCatalogue))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheCatalogueIsReadByArea(t *testing.T) {
	c := small(t)
	if !slices.Equal(c.areas, []string{"T", "TR"}) || c.titles["TR"] != "Transports" {
		t.Errorf("areas %v, titles %v", c.areas, c.titles)
	}
	want := []line{{"T-001", "T", true}, {"T-002", "T", true}, {"T-003", "T", false}}
	if !slices.Equal(c.lines["T"], want) || !c.has("TR-001") || c.has("T-004") {
		t.Errorf("lines %v", c.lines)
	}
}

func TestALineThatStandsTwiceIsAnError(t *testing.T) {
	_, err := parseCatalogue(strings.NewReader("## T: Tasks\n- T-001 [core] a\n- T-001 [core] b\n"))
	if err == nil || !strings.Contains(err.Error(), "T-001 stands twice") {
		t.Errorf("got %v", err)
	}
}

func TestTheCatalogueOfTheRepositoryIsWellFormed(t *testing.T) {
	f, err := os.Open(filepath.Join("..", "..", "..", "docs", "conformance.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := parseCatalogue(f)
	if err != nil || len(c.areas) < 40 || len(c.lines["T"]) < 50 {
		t.Fatalf("%d areas, %d lines in T: %v", len(c.areas), len(c.lines["T"]), err)
	}
	why, err := os.Open(filepath.Join("..", "..", "..", "docs", "conformance-reasons.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer why.Close()
	reasons, err := parseReasons(why)
	if err != nil {
		t.Fatal(err)
	}
	for id := range reasons {
		if !c.has(id) {
			t.Errorf("there is a reason for %s, which is not in the catalogue", id)
		}
	}
}

func TestClaimsAreReadFromTheCommentAboveATest(t *testing.T) {
	const src = `package x

// Conformance: T-001, T-002 (adapted: like T-003).
func TestA(t *testing.T) {}

// TestB does something.
//
// Conformance: TR-001,
// T-002.
//
// T-003 is mentioned here only.
func TestB(t *testing.T) {}

// Conformance: T-009.
func helper() {}

// Conformance: T-008.

func TestC(t *testing.T) {}
`
	c := claims{}
	if err := c.addFile("p", "x_test.go", src); err != nil {
		t.Fatal(err)
	}
	a, b := test{"p", "TestA"}, test{"p", "TestB"}
	want := claims{"T-001": {a}, "T-002": {a, b}, "TR-001": {b}}
	if len(c) != len(want) {
		t.Errorf("got %v", c)
	}
	for id, tests := range want {
		if !slices.Equal(c[id], tests) {
			t.Errorf("%s is claimed by %v, want %v", id, c[id], tests)
		}
	}
}

func TestEventsTellHowTestsEnded(t *testing.T) {
	const events = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/sub"}
{"Action":"fail","Package":"p","Test":"TestA/sub"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"skip","Package":"p","Test":"TestB"}
{"Action":"run","Package":"p","Test":"TestC"}
{"Action":"fail","Package":"p"}
`
	got, err := parseEvents(strings.NewReader(events))
	if err != nil || len(got) != 3 || got[test{"p", "TestA"}] != "pass" ||
		got[test{"p", "TestB"}] != "skip" || got[test{"p", "TestC"}] != "fail" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestTheReportCountsWhatPassed(t *testing.T) {
	a, b, c := test{"p", "TestA"}, test{"p", "TestB"}, test{"p", "TestC"}
	claimed := claims{"T-001": {a, c}, "T-002": {b}, "T-003": {a}, "TR-001": {a}, "X-001": {a}}
	root := func(area string) bool { return existence("m", []string{"m", "m/coro"})(area) }

	r := makeReport(small(t), claims{"T-001": {a}}, outcomes{a: "pass"},
		map[string]string{"T-002": "later"}, root)
	var out bytes.Buffer
	r.print(&out)
	want := "T     1 / 2   Tasks\nnot covered: T-002: later\ncovered 1 of 2\n"
	if out.String() != want || !r.ok() {
		t.Errorf("printed\n%swant\n%s", &out, want)
	}

	r = makeReport(small(t), claimed, outcomes{
		a: "pass",
		b: "skip",
		c: "fail",
	}, nil, func(string) bool { return true })
	out.Reset()
	r.print(&out)
	want = "T     0 / 2   Tasks\nTR    1 / 1   Transports\nnot covered: T-001: its test " +
		"failed\nnot covered: T-002: its test was skipped\n" +
		"failed: T-001 p.TestC\nunknown: a test claims X-001, which is not in the catalogue\ncovered 1 " +
		"of 3\n"
	if out.String() != want || r.ok() {
		t.Errorf("printed\n%swant\n%s", &out, want)
	}
}

func TestReasonsAreOneALine(t *testing.T) {
	got, err := parseReasons(strings.NewReader("# comment\n\nT-001 because of this\n"))
	if err != nil || got["T-001"] != "because of this" || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parseReasons(strings.NewReader("T-001\n")); err == nil {
		t.Error("an ID without a reason was accepted")
	}
}

func TestASubtestClaimsTheIDsItsNameBeginsWith(t *testing.T) {
	c := claims{}
	whole := test{"p", "TestRead"}
	one := test{"p", "TestRead/S-005_feeding_nothing,_not_S-999,_changes_nothing"}
	two := test{"p", "TestRead/deep/S-006,_S-007_both"}
	c.addSubtests(outcomes{
		whole:                      "pass",
		one:                        "pass",
		two:                        "fail",
		{"p", "TestRead/plain"}:    "pass",
		{"p", "TestRead/RSA-2048"}: "pass",
	})
	want := claims{"S-005": {one}, "S-006": {two}, "S-007": {two}}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %v, want %v", c, want)
	}
}
