package aio

import "context"

// Func is a coroutine function: it may await by calling, with the context it gets. It is an alias, so every function, literal or method
// value of this shape is one.
type Func[T any] = func(ctx context.Context) (T, error)

// None is the result of functions that have none.
type None = struct{}

// Action turns a function that only returns an error into a [Func].
func Action(fn func(ctx context.Context) error) Func[None] {
	return func(ctx context.Context) (None, error) { return None{}, fn(ctx) }
}

// Bind gives fn its argument, now, and makes a [Func] of it: CreateTask(ctx, Bind(fetch, url)).
func Bind[A, T any](fn func(context.Context, A) (T, error), a A) Func[T] {
	mustHave("Bind", fn != nil)
	return func(ctx context.Context) (T, error) { return fn(ctx, a) }
}

// Bind2 is [Bind] for functions of two arguments.
func Bind2[A, B, T any](fn func(context.Context, A, B) (T, error), a A, b B) Func[T] {
	mustHave("Bind2", fn != nil)
	return func(ctx context.Context) (T, error) { return fn(ctx, a, b) }
}

// Bind3 is [Bind] for functions of three arguments.
func Bind3[A, B, C, T any](fn func(context.Context, A, B, C) (T, error), a A, b B, c C) Func[T] {
	mustHave("Bind3", fn != nil)
	return func(ctx context.Context) (T, error) { return fn(ctx, a, b, c) }
}

// Outcome is how something ended: with a value, or with an error.
type Outcome[T any] struct {
	Value T
	Err   error
}
