package main

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// test names a test function of a package.
type test struct {
	pkg  string
	name string
}

func (t test) String() string { return t.pkg + "." + t.name }

// claims are the tests that say they check a line, by its ID.
type claims map[string][]test

func (c claims) add(id string, t test) {
	if !slices.Contains(c[id], t) {
		c[id] = append(c[id], t)
	}
}

// addDir reads the test files of a package's directory.
func (c claims) addDir(pkg, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := c.addFile(pkg, file, nil); err != nil {
			return err
		}
	}
	return nil
}

// addFile reads one test file; src is its content, or nil to read it from disk.
func (c claims) addFile(pkg, file string, src any) error {
	f, err := parser.ParseFile(token.NewFileSet(), file, src,
		parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || fn.Doc == nil || !isTestName(fn.Name.Name) {
			continue
		}
		for _, id := range claimedIDs(fn.Doc.Text()) {
			c.add(id, test{pkg, fn.Name.Name})
		}
	}
	return nil
}

func isTestName(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") ||
		strings.HasPrefix(name, "Example")
}

var (
	claimStart  = regexp.MustCompile(`(?m)^Conformance:`)
	remark      = regexp.MustCompile(`\([^()]*\)`)
	idInClaim   = regexp.MustCompile(`\b[A-Z][A-Z0-9]*-\d{3}\b`)
	emptyInText = regexp.MustCompile(`\n\s*\n`)
)

// claimedIDs returns the IDs in a doc comment: those after "Conformance:", to the end of that
// paragraph. Text in parentheses is a remark and claims nothing.
func claimedIDs(doc string) (ids []string) {
	for _, at := range claimStart.FindAllStringIndex(doc, -1) {
		text := doc[at[1]:]
		if end := emptyInText.FindStringIndex(text); end != nil {
			text = text[:end[0]]
		}
		ids = append(ids, idInClaim.FindAllString(remark.ReplaceAllString(text, ""), -1)...)
	}
	return ids
}

// idsInName finds the IDs with which the last part of a subtest's name begins:
// TestRead/S-005,_S-006_feeding_nothing.
var idsInName = regexp.MustCompile(
	`/((?:[A-Z][A-Z0-9]*-\d{3}[,_]+)*[A-Z][A-Z0-9]*-\d{3})(?:[^0-9/][^/]*)?$`)

// addSubtests adds the claims that subtests make by their names.
func (c claims) addSubtests(ended outcomes) {
	for t := range ended {
		if m := idsInName.FindStringSubmatch(t.name); m != nil {
			for _, id := range idInClaim.FindAllString(strings.ReplaceAll(m[1], "_", " "), -1) {
				c.add(id, t)
			}
		}
	}
}

// outcomes is how tests ended: "pass", "fail" or "skip".
type outcomes map[test]string

// parseEvents reads the output of go test -json. Lines that are no events, such as those of the go
// command itself, are skipped.
func parseEvents(r io.Reader) (outcomes, error) {
	out := outcomes{}
	in := json.NewDecoder(r)
	for {
		var e struct{ Action, Package, Test string }
		switch err := in.Decode(&e); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return out, err
		}
		if e.Test == "" || strings.Contains(e.Test, "/") && !idsInName.MatchString(e.Test) {
			continue
		}
		switch e.Action {
		case "run":
			out[test{e.Package, e.Test}] = "fail" // unless it says otherwise: a crash says nothing
		case "pass", "fail", "skip":
			out[test{e.Package, e.Test}] = e.Action
		}
	}
}
