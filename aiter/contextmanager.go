package aiter

import (
	"context"
	"errors"

	"github.com/aio-go/aio/internal/errtree"
)

// ContextManager makes a [Manager] of a function that sets up, yields once, and cleans up. yield
// passes the value to the body of [With], and returns when the body has ended. It returns a context
// for the cleanup, which is not cancelled when the body was, and the error of the body (see
// [Manager.Exit]). The function's own error is the outcome: it should return the body's error, and
// swallows it by returning nil.
//
//	func transaction(db *DB) aiter.Manager[*Tx] {
//		return aiter.ContextManager(func(
//			ctx context.Context, yield func(*Tx) (context.Context, error),
//		) error {
//			tx, err := db.Begin(ctx)
//			if err != nil {
//				return err
//			}
//			if ctx, err = yield(tx); err != nil {
//				return errors.Join(err, tx.Rollback(ctx))
//			}
//			return tx.Commit(ctx)
//		})
//	}
//
// A manager may be used again after it was left, but not entered twice at the same time. The
// function runs in the task of With. Python: contextlib.asynccontextmanager.
func ContextManager[T any](
	fn func(ctx context.Context, yield func(T) (context.Context, error)) error,
) Manager[T] {
	mustBe(fn != nil, "ContextManager", "the function is nil; pass one")
	return &generated[T]{fn: fn}
}

// generated is a manager made of a function.
type generated[T any] struct {
	fn    func(ctx context.Context, yield func(T) (context.Context, error)) error
	steps *Generator[ending, T] // while it is entered
}

// ending is the result of the function's yield.
type ending struct {
	ctx context.Context
	err error
}

func (m *generated[T]) Enter(ctx context.Context) (T, error) {
	mustBe(m.steps == nil, "ContextManager", "the manager was entered already; "+
		"make one for each With")
	steps := NewGenerator(ctx, func(ctx context.Context, yield func(T) (ending, error)) error {
		return m.fn(ctx, func(v T) (context.Context, error) {
			end, err := yield(v)
			if err != nil { // the scope was never left, and the loop shuts down
				return context.WithoutCancel(ctx), err
			}
			return end.ctx, end.err
		})
	})
	v, err := steps.Next(ctx)
	switch {
	case errtree.Is(err, ErrStopIteration):
		return v, errors.New(
			"aiter: ContextManager: the function ended without an error before it yielded")
	case err != nil:
		return v, err
	}
	m.steps = steps
	return v, nil
}

func (m *generated[T]) Exit(ctx context.Context, err error) error {
	steps := m.steps
	mustBe(
		steps != nil,
		"ContextManager",
		"the manager is left without having been entered; call Enter first, or use With",
	)
	m.steps = nil
	_, end := steps.Send(ctx, ending{ctx, err})
	switch {
	case end == nil:
		return errors.Join(errors.New("aiter: ContextManager: the function yielded more than once"),
			steps.Close(ctx))
	case !errtree.Is(end, ErrStopIteration):
		return end
	case err != nil:
		return ErrSuppress
	}
	return nil
}
