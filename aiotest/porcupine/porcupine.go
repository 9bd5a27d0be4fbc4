// Package porcupine checks the histories of package aiotest for linearizability: is there an order
// of the operations in which each is done at once, between its beginning and its end, and the
// answers are those of a model? The work is done by github.com/anishathalye/porcupine. It is a
// module of its own, so that the library needs no other.
//
//	aiotest.Explore(t, func(ctx context.Context, t *aiotest.T) error {
//		var h aiotest.History
//		... aiotest.Record(ctx, t, &h, input, operation) in several tasks
//		porcupine.Check(t, model, &h)
//		return nil
//	})
package porcupine

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aio-go/aio/aiotest"
	"github.com/anishathalye/porcupine"
)

// Model says what operations do, one at a time. State must be comparable with == unless Equal is
// set, and Step must not change the state that it gets.
type Model[State, In, Out any] struct {
	// Init returns the state before the first operation.
	Init func() State
	// Step returns whether an operation may give this output in this state, and the state after it.
	Step func(s State, in In, out Out) (ok bool, next State)
	// Done returns the state after an operation whose output nobody knows, if it was done. It is
	// needed if operations fail or have not ended at the check.
	Done func(s State, in In) State
	// Partition returns to which part of the state an operation belongs, such as its key. Parts are
	// checked by themselves, which is much faster. Nil: all belong to one.
	Partition func(in In) string
	// Equal reports whether two states are the same. Nil: ==.
	Equal func(a, b State) bool
}

// searching is for how long a check may take.
const searching = 10 * time.Second

// Check fails the run if there is no order of the operations that the model allows. An operation
// that failed or has not ended may have been done at any time after its beginning, or never. The
// failure lists the operations. It gives up after ten seconds, which fails the run as well: record
// fewer operations, or give Model.Partition.
func Check[State, In, Out any](t *aiotest.T, m Model[State, In, Out], h *aiotest.History) {
	t.Helper()
	ops := h.Operations()
	if m.Done == nil {
		for _, o := range ops {
			if o.Return == 0 {
				t.Fatalf("task %d has no answer to %+v; give Model.Done", o.Task, o.Input)
			}
		}
	}
	switch porcupine.CheckOperationsTimeout(m.convert(), convert(ops), searching) {
	case porcupine.Ok:
	case porcupine.Unknown:
		t.Fatalf("%d operations take too long to check", len(ops))
	default:
		t.Fatalf("no order of the operations has these results:\n%s", describe(ops))
	}
}

// open is the output of an operation whose end is not known.
type open struct{}

func (m Model[State, In, Out]) convert() porcupine.Model {
	if m.Init == nil || m.Step == nil {
		panic("porcupine: Check: the model has no Init or no Step; give both")
	}
	p := porcupine.NondeterministicModel{
		Init: func() []any { return []any{m.Init()} },
		Step: func(state, input, output any) []any {
			s := state.(State)
			if _, ok := output.(open); ok {
				return []any{s, m.Done(s, input.(In))}
			}
			if ok, next := m.Step(s, input.(In), output.(Out)); ok {
				return []any{next}
			}
			return nil
		},
	}
	if m.Equal != nil {
		p.Equal = func(a, b any) bool { return m.Equal(a.(State), b.(State)) }
	}
	if m.Partition != nil {
		p.Partition = func(history []porcupine.Operation) [][]porcupine.Operation {
			return partition(history, func(o porcupine.Operation) string {
				return m.Partition(o.Input.(In))
			})
		}
	}
	return p.ToModel()
}

// partition puts operations of one key together, in the order of the first of each.
func partition(
	history []porcupine.Operation, key func(o porcupine.Operation) string,
) (parts [][]porcupine.Operation) {
	index := map[string]int{}
	for _, o := range history {
		k := key(o)
		i, ok := index[k]
		if !ok {
			i = len(parts)
			index[k] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], o)
	}
	return parts
}

func convert(ops []aiotest.Operation) []porcupine.Operation {
	all := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		all[i] = porcupine.Operation{
			ClientId: int(o.Task), Input: o.Input, Output: o.Output,
			Call: int64(o.Call), Return: int64(o.Return),
		}
		if o.Return == 0 {
			all[i].Output, all[i].Return = open{}, math.MaxInt64
		}
	}
	return all
}

func describe(ops []aiotest.Operation) string {
	var b strings.Builder
	for _, o := range ops {
		if o.Return == 0 {
			fmt.Fprintf(&b, "  task %d, from step %d: %+v, no answer\n", o.Task, o.Began, o.Input)
			continue
		}
		fmt.Fprintf(&b, "  task %d, steps %d to %d: %+v gives %+v\n",
			o.Task, o.Began, o.End, o.Input, o.Output)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
