package aio

import "context"

// maxChain is how many errors of a chain or tree are looked at. A chain may lead back to itself, and Unwrap may panic: both are the
// user's, and neither may harm the loop.
const maxChain = 1000

// searchError reports whether found accepts err or an error that it wraps. It is errors.Is and errors.As for errors that come from users: it
// ends, and a panic of Unwrap is the end of that branch.
func searchError(err error, found func(error) bool) bool {
	left := maxChain
	return searchUpTo(err, found, &left)
}

func searchUpTo(err error, found func(error) bool, left *int) bool {
	for ; err != nil && *left > 0; *left-- {
		if found(err) {
			return true
		}
		more, next := unwrap(err)
		for _, e := range more {
			*left--
			if searchUpTo(e, found, left) {
				return true
			}
		}
		err = next
	}
	return false
}

// errorIn returns the first error of type E in the chain or tree of err.
func errorIn[E error](err error) (e E, ok bool) {
	ok = searchError(err, func(x error) (is bool) {
		if f, isE := x.(E); isE {
			e, is = f, true
		}
		return is
	})
	return e, ok
}

// unwrap calls err.Unwrap of either kind.
func unwrap(err error) (several []error, one error) {
	defer func() { _ = recover() }()
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		one = e.Unwrap()
	case interface{ Unwrap() []error }:
		several = e.Unwrap()
	}
	return several, one
}

// isCancellation reports whether err says "I was cancelled": a CancelledError, possibly wrapped, but not inside an error with a meaning
// of its own (a time-out, a panic, several errors joined).
func isCancellation(err error) bool {
	return wraps(err, func(err error) bool {
		_, ok := err.(*CancelledError)
		return ok
	})
}

// isBareCanceled reports whether err is context.Canceled, possibly wrapped: what code returns that looks at ctx.Err.
func isBareCanceled(err error) bool {
	return wraps(err, func(err error) bool { return err == context.Canceled })
}

// wraps reports whether found accepts err or what it wraps, as far as that has no meaning of its own.
func wraps(err error, found func(error) bool) bool {
	for n := 0; err != nil && n < maxChain; n++ {
		if found(err) {
			return true
		}
		switch err.(type) {
		case *TimeoutError, *PanicError:
			return false
		}
		_, err = unwrap(err)
	}
	return false
}

// same is ==, and false for errors of a type that cannot be compared.
func same(a, b error) (yes bool) {
	defer func() { _ = recover() }()
	return a == b
}

// includes is errors.Is without the methods named Is.
func includes(err, target error) bool {
	return searchError(err, func(e error) bool { return same(e, target) })
}
