package aio

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"unsafe"
)

// Func is a coroutine function: it may await with the context it gets. It is an alias, so every
// function, literal or method value of this type is one.
type Func[T any] = func(ctx context.Context) (T, error)

// None is the result of functions without a result.
type None = struct{}

// Action turns a function that returns only an error into a [Func].
func Action(fn func(ctx context.Context) error) Func[None] {
	return func(ctx context.Context) (None, error) {
		if w, ok := ctx.(*whose); ok {
			w.pc = codeOf(fn)
			return None{}, nil
		}
		return None{}, fn(ctx)
	}
}

// Bind returns a [Func] that calls fn with a. The argument is evaluated now: CreateTask(ctx,
// Bind(fetch, url)).
func Bind[A, T any](fn func(context.Context, A) (T, error), a A) Func[T] {
	mustHave("Bind", fn != nil)
	return func(ctx context.Context) (v T, err error) {
		if w, ok := ctx.(*whose); ok {
			w.pc = codeOf(fn)
			return v, nil
		}
		return fn(ctx, a)
	}
}

// Bind2 is [Bind] for functions of two arguments.
func Bind2[A, B, T any](fn func(context.Context, A, B) (T, error), a A, b B) Func[T] {
	mustHave("Bind2", fn != nil)
	return func(ctx context.Context) (v T, err error) {
		if w, ok := ctx.(*whose); ok {
			w.pc = codeOf(fn)
			return v, nil
		}
		return fn(ctx, a, b)
	}
}

// Bind3 is [Bind] for functions of three arguments.
func Bind3[A, B, C, T any](fn func(context.Context, A, B, C) (T, error), a A, b B, c C) Func[T] {
	mustHave("Bind3", fn != nil)
	return func(ctx context.Context) (v T, err error) {
		if w, ok := ctx.(*whose); ok {
			w.pc = codeOf(fn)
			return v, nil
		}
		return fn(ctx, a, b, c)
	}
}

// whose is a context that asks a function made by Bind or Action for the program's function inside.
// The wrapper then returns without calling it. Reports show that function and not Bind.
type whose struct {
	context.Context
	pc uintptr // the answer
}

// codeOf returns the address of a function's code.
func codeOf[F any](fn F) uintptr { return **(**uintptr)(unsafe.Pointer(&fn)) }

// madeHere reports whether code belongs to a function that Bind or Action made, even if they were
// inlined.
func madeHere(pc uintptr) bool {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return false
	}
	action := codeOf(Action)
	here, _ := runtime.FuncForPC(action).FileLine(action)
	file, _ := f.FileLine(pc)
	return file == here
}

// Outcome is how a task or call ended: with a value or an error.
type Outcome[T any] struct {
	Value T
	Err   error
}

// callerPC returns the place from which the function skip levels above its caller was called.
func callerPC(skip int) uintptr {
	var pc [1]uintptr
	runtime.Callers(skip+3, pc[:])
	return pc[0]
}

func siteOf(pc uintptr) string {
	if pc == 0 {
		return ""
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	if f.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", filepath.Base(f.File), f.Line)
}

func funcSite(pc uintptr) string {
	f := runtime.FuncForPC(pc)
	if f == nil {
		return ""
	}
	if name, ok := strings.CutSuffix(f.Name(), "-fm"); ok { // a method value: its code has no line
		return path.Base(name)
	}
	return siteOf(pc + 1)
}

// callers returns the stack of the function skip levels above the caller.
func callers(skip int) []uintptr {
	pcs := make([]uintptr, 16)
	return pcs[:runtime.Callers(skip+2, pcs)]
}
