package errtree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

type node struct {
	next    error
	several []error
	is, as  func(any) bool
	unwrap  func()
}

func (*node) Error() string { return "node" }

func (n *node) Unwrap() []error {
	if n.unwrap != nil {
		n.unwrap()
	}
	if n.next != nil {
		return []error{n.next}
	}
	return n.several
}

func (n *node) Is(target error) bool { return n.is != nil && n.is(target) }
func (n *node) As(target any) bool   { return n.as != nil && n.as(target) }

type found struct{ error }

func TestAnErrorThatWrapsItselfOrPanicsIsLookedThrough(t *testing.T) {
	self := &node{}
	self.next = self
	wide := &node{}
	wide.several = []error{wide, wide, fmt.Errorf("x: %w", wide)}
	broken := &node{unwrap: func() {
		panic("unwrap")
	}, is: func(any) bool { panic("is") }, as: func(any) bool { panic("as") }}
	for name, err := range map[string]error{"itself": self, "a tree": wide, "broken": broken} {
		if _, ok := As[found](err); ok || Is(err, io.EOF) {
			t.Errorf("%s: something was found", name)
		}
		if both := errors.Join(err, io.EOF); name == "broken" && !Is(both, io.EOF) {
			t.Errorf("%s hides what is beside it", name)
		}
	}
}

func TestMethodsAreAskedAsPackageErrorsDoes(t *testing.T) {
	err := fmt.Errorf("x: %w", &node{
		is: func(target any) bool { return target == context.Canceled },
		as: func(target any) bool {
			f, ok := target.(*found)
			if ok {
				*f = found{io.EOF}
			}
			return ok
		},
	})
	if f, ok := As[found](err); !Is(err, context.Canceled) || Is(err, io.EOF) || !ok ||
		f.error != io.EOF {
		t.Error("a method Is or As was not asked")
	}
}
