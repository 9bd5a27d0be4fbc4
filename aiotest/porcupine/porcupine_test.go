package porcupine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosync"
	"github.com/aio-go/aio/aiotest"
	"github.com/aio-go/aio/aiotest/porcupine"
)

// recorder is a test that only takes notes.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper()             {}
func (r *recorder) Name() string        { return "TestStore" }
func (r *recorder) Cleanup(func())      {}
func (r *recorder) Logf(string, ...any) {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

// op is an operation on a store: a read, or a compare-and-set.
type op struct {
	key      string
	set      bool
	old, new int
}

// answer is the value that was read, or whether the value was set.
type answer struct {
	value int
	done  bool
}

var model = porcupine.Model[int, op, answer]{
	Init: func() int { return 0 },
	Step: func(s int, in op, out answer) (bool, int) {
		switch {
		case !in.set:
			return out.value == s, s
		case out.done:
			return s == in.old, in.new
		}
		return s != in.old || out == answer{}, s
	},
	Partition: func(in op) string { return in.key },
}

// store has a compare-and-set that waits between the two.
type store struct {
	mu     aiosync.Lock
	values map[string]int
	safe   bool
}

func (s *store) do(ctx context.Context, o op) (answer, error) {
	if !o.set {
		return answer{value: s.values[o.key]}, nil
	}
	if s.safe {
		if err := s.mu.Acquire(ctx); err != nil {
			return answer{}, err
		}
		defer s.mu.Release()
	}
	if s.values[o.key] != o.old {
		return answer{}, nil
	}
	if err := aio.Yield(ctx); err != nil {
		return answer{}, err
	}
	s.values[o.key] = o.new
	return answer{done: true}, nil
}

func program(safe bool) func(ctx context.Context, t *aiotest.T) error {
	return func(ctx context.Context, t *aiotest.T) error {
		s := &store{values: map[string]int{}, safe: safe}
		var h aiotest.History
		err := aio.Group(ctx, func(_ context.Context, g *aio.TaskGroup) error {
			for i := range 2 {
				g.Go(func(ctx context.Context) error {
					for _, o := range []op{
						{key: "x", set: true, old: 0, new: 1 + i},
						{key: "x"},
						{key: "y", set: true, old: i, new: i + 1},
					} {
						_, err := aiotest.Record(
							ctx,
							t,
							&h,
							o,
							func(ctx context.Context) (answer, error) {
								return s.do(ctx, o)
							},
						)
						if err != nil {
							return err
						}
					}
					return nil
				})
			}
			return nil
		})
		porcupine.Check(t, model, &h)
		return err
	}
}

func TestAStoreThatWaitsInTheMiddleIsNotLinearizable(t *testing.T) {
	r := &recorder{TB: t}
	aiotest.Explore(r, program(false))
	if len(r.errors) != 1 ||
		!strings.Contains(
			r.errors[0],
			"no order of the operations has these results:\n  task 2, steps 2 to ",
		) {
		t.Errorf("%q", r.errors)
	}
}

func TestAStoreWithALockIsLinearizable(t *testing.T) {
	aiotest.Explore(t, program(true))
}

var errLost = errors.New("the answer is lost")

// An operation that failed may have been done, or not.
func TestAnOperationWithoutAnAnswerMayHaveBeenDone(t *testing.T) {
	for _, done := range []bool{true, false} {
		for _, read := range []int{0, 5, 7} {
			r := &recorder{TB: t}
			aiotest.Explore(r, func(ctx context.Context, t *aiotest.T) error {
				var h aiotest.History
				_, err := aiotest.Record(ctx, t, &h, put(5), func(context.Context) (bool, error) {
					return done, errLost
				})
				if err != errLost {
					t.Errorf("got %v", err)
				}
				_, err = aiotest.Record(ctx, t, &h, put(-1), func(context.Context) (bool, error) {
					return read == 7, nil
				})
				porcupine.Check(t, register(read), &h)
				return err
			})
			if failed := len(r.errors) > 0; failed != (read == 7) {
				t.Errorf("read %d: %q", read, r.errors)
			}
		}
	}
}

func TestAModelThatDoesNotKnowAboutMissingAnswersSaysSo(t *testing.T) {
	r := &recorder{TB: t}
	aiotest.Explore(r, func(ctx context.Context, t *aiotest.T) error {
		var h aiotest.History
		aiotest.Record(ctx, t, &h, op{key: "x"}, func(context.Context) (answer, error) {
			return answer{}, errLost
		})
		porcupine.Check(t, model, &h)
		return nil
	})
	if len(r.errors) != 1 ||
		!strings.Contains(
			r.errors[0],
			"has no answer to {key:x set:false old:0 new:0}; give Model.Done",
		) {
		t.Errorf("%q", r.errors)
	}
}

type put int

// register is a model whose read, put(-1), sees what the test says. 7 was never written.
func register(read int) porcupine.Model[int, put, bool] {
	return porcupine.Model[int, put, bool]{
		Init: func() int { return 0 },
		Step: func(s int, in put, _ bool) (bool, int) {
			if in == -1 {
				return s == read, s
			}
			return true, int(in)
		},
		Done:  func(_ int, in put) int { return int(in) },
		Equal: func(a, b int) bool { return a == b },
	}
}
