package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestTheListingsInApiAreTheExportedAPI(t *testing.T) {
	differences, err := check(filepath.Join("..", "..", ".."), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range differences {
		t.Error(d)
	}
	if t.Failed() {
		t.Log("if that is on purpose: go run ./internal/cmd/api -update, and a line in CHANGELOG.md")
	}
}

func TestEachExportedDeclarationHasALineAndOnlyThose(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		name = filepath.Join(root, name)
		os.MkdirAll(filepath.Dir(name), 0o755)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("p/p.go", `package p
type T[K comparable] struct { A, b int; *E; in }
type i interface{ M() }
type in struct{}
func (in) From(x int) {}
type I interface { M(x int) (y int); hidden() }
type E = T[int]
func (t *T[K]) Do(n int,
	s string) error { return nil }
func (i) N() {}
func f() {}
const X, y = 1, 2
var V int
`)
	write("p/p_test.go", "package p\nfunc Test() {}\n")
	write("p/internal/q.go", "package internal\nfunc Q() {}\n")
	write("other/go.mod", "module other\n")
	write("other/o.go", "package o\nfunc O() {}\n")
	os.Mkdir(filepath.Join(root, "api"), 0o755)
	if _, err := check(root, true); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, "api", "p.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := `const X
func (t *T[K]) Do(n int, s string) error
type E = T[int]
type I interface
type I interface, M(x int) (y int)
type I interface, unexported methods
type T[K comparable] struct
type T[K comparable] struct, *E
type T[K comparable] struct, A int
type T[K comparable] struct, method From(x int)
var V int
`
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	write("p/p.go", "package p\nvar V int\nvar W int\n")
	differences, err := check(root, false)
	if err != nil {
		t.Fatal(err)
	}
	if len(differences) != 11 || !slices.Contains(differences, "p.txt: + var W int") ||
		!slices.Contains(differences, "p.txt: - const X") {
		t.Errorf("differences: %q", differences)
	}
}
