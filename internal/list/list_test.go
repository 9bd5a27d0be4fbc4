package list_test

import (
	"slices"
	"testing"

	"github.com/aio-go/aio/internal/list"
)

func values(l *list.List[int]) (out []int) {
	for e := l.First(); e != nil; e = l.Next(e) {
		out = append(out, e.Value)
	}
	return out
}

func TestElementsComeInTheOrderOfTheirAdditionAndLeaveFromAnywhere(t *testing.T) {
	var l list.List[int]
	e := make([]list.Elem[int], 4)
	for i := range e {
		e[i].Value = i
		l.Push(&e[i])
	}
	want := func(when string, vs ...int) {
		t.Helper()
		if got := values(&l); !slices.Equal(got, vs) {
			t.Fatalf("%s: got %v, want %v", when, got, vs)
		}
	}
	want("all added", 0, 1, 2, 3)
	l.Remove(&e[2])
	want("one from the middle", 0, 1, 3)
	l.Remove(&e[2])
	want("one that stands in no list", 0, 1, 3)
	l.Remove(&e[0])
	want("the first", 1, 3)
	l.Push(&e[0])
	want("added again", 1, 3, 0)
	l.Remove(&e[0])
	want("the last", 1, 3)
	l.Remove(&e[1])
	l.Remove(&e[3])
	want("all removed")
	if !l.Empty() || e[3].Linked() {
		t.Error("the list should be empty, and its elements in none")
	}
}

func TestAddingAndRemovingAllocatesNothing(t *testing.T) {
	var l list.List[any]
	var a, b list.Elem[any]
	if n := testing.AllocsPerRun(100, func() {
		l.Push(&a)
		l.Push(&b)
		l.Remove(&a)
		l.Remove(&b)
	}); n != 0 {
		t.Errorf("allocated %v times", n)
	}
}
