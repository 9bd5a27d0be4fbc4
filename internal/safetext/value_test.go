package safetext_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio/internal/safetext"
)

type point struct {
	X, Y int
	name string
}

type named string

func (n named) String() string { return "named " + string(n) }

type hidden struct{ n named }

type shouts struct{}

func (shouts) Format(f fmt.State, _ rune) { fmt.Fprint(f, "format\n") }

func TestAValuePrintsAsUsual(t *testing.T) {
	n := 7
	for _, v := range []any{
		nil, true, 1, int8(-3), uint(7), uintptr(9), 1.5, float32(0.1), 1e30, math.NaN(), complex(1, 2),
		"text", named("x"),
		[]int{1, 2}, [2]string{"a", "b"}, []byte{1, 2}, []any{1, "a", nil}, []string(nil), map[string]int{
			"b": 1,
			"a": 2,
		}, map[int]string{10: "x", 9: "y"},
		point{1, 2, "p"}, &point{1, 2, "p"}, &[]int{1}, struct{}{}, hidden{"x"},
		struct{ E error }{errors.New("e")},
		errors.New("wrong"), time.Second, big.NewInt(5), (*int)(nil), (*point)(nil), (error)(nil),
		map[string]int(nil), (func())(nil), (chan int)(nil), &n,
		struct{ p *point }{nil}, []error{errors.New("a")},
	} {
		if got, want := safetext.Value(v, 200), fmt.Sprint(v); got != want {
			t.Errorf("%T: got %q, want %q", v, got, want)
		}
	}
	if got, want := safetext.Value(shouts{}, 99), `format\n`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := safetext.Value("a\x1b http://h/?a=b", 99), `a\x1b http://h/?a=xxxxx`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

type ring struct{ next *ring }

func (r *ring) String() string { return "ring of " + safetext.Value(r.next, 1000) }

type wild struct{}

func (wild) String() string { panic(wild{}) }

type chain struct{ cause error }

func (c *chain) Error() string { return "because " + safetext.Error(c.cause) }

type big1 struct{}

func (big1) String() string { return strings.Repeat("x", 10<<20) }

type tree struct{}

func (t tree) String() string { return safetext.Value([]any{t, t, t, t}, 1<<20) }

func TestNoValueDoesHarm(t *testing.T) {
	self := []any{nil}
	self[0] = self
	table := map[string]any{}
	table["me"] = table
	loop := &ring{}
	loop.next = loop
	endless := &chain{}
	endless.cause = endless
	large := make(map[int]int)
	for i := range 1000 {
		large[i] = i
	}
	for name, c := range map[string]struct {
		v    any
		want string // what the text contains
	}{
		"a slice in itself":           {self, "…"},
		"a map in itself":             {table, "…"},
		"a String that comes back":    {loop, "ring of ring of"},
		"a String that panics":        {wild{}, "<the String method panicked>"},
		"one in a struct":             {[]any{wild{}, 1}, "[<the String method panicked> 1]"},
		"an error that causes itself": {endless, "because because"},
		"megabytes of text":           {big1{}, "xxx…"},
		"megabytes of numbers":        {make([]int, 10<<20), "[0 0 0"},
		"a large map":                 {large, "map[…(1000 entries)]"},
		"a tree without end":          {tree{}, "["},
		"bytes":                       {[]string{"\x1b[2J\n"}, `[\x1b[2J\n]`},
	} {
		got := safetext.Value(c.v, 100)
		if !strings.Contains(got, c.want) || len(got) > 100 {
			t.Errorf("%s: %q, %d bytes", name, got, len(got))
		}
	}
	if got := safetext.Value(wild{}, 100); got != "<the String method panicked>" {
		t.Errorf("the count of calls is off: %q", got)
	}
	if got := safetext.Error(endless); !strings.HasPrefix(got, "because because") ||
		!strings.HasSuffix(got, "…") {
		t.Errorf("got %q", got)
	}
	if got := safetext.Error(context.Canceled); got != "context canceled" {
		t.Errorf("got %q", got)
	}
}
