// Package errtree searches through errors from user code. It works like errors.Is and errors.As,
// but ends even if a chain is cyclic. A panic of Unwrap ends that branch.
package errtree

// Max is the number of errors of a chain or tree that are checked at most.
const Max = 1000

// Search reports whether found accepts err or an error that it wraps.
func Search(err error, found func(error) bool) bool {
	left := Max
	return searchUpTo(err, found, &left)
}

func searchUpTo(err error, found func(error) bool, left *int) bool {
	for ; err != nil && *left > 0; *left-- {
		if found(err) {
			return true
		}
		several, one := Unwrap(err)
		for _, e := range several {
			*left--
			if searchUpTo(e, found, left) {
				return true
			}
		}
		err = one
	}
	return false
}

// As returns the first error of type E in the chain or tree of err, as errors.As finds it.
func As[E error](err error) (e E, ok bool) {
	if err == nil {
		return e, false
	}
	return as[E](err) // which allocates
}

func as[E error](err error) (e E, ok bool) {
	ok = Search(err, func(x error) (is bool) {
		if f, isE := x.(E); isE {
			e, is = f, true
			return is
		}
		return Offers(x, &e)
	})
	return e, ok
}

// Is reports whether target is in the chain or tree of err, as errors.Is does.
func Is(err, target error) bool {
	return Search(err, func(e error) bool { return Same(e, target) || Claims(e, target) })
}

// Claims calls the Is method of err itself, if it has one; a panic of it is a no.
func Claims(err, target error) (yes bool) {
	if e, ok := err.(interface{ Is(error) bool }); ok {
		defer func() { _ = recover() }()
		yes = e.Is(target)
	}
	return yes
}

// Offers calls the As method of err itself, if it has one; a panic of it is a no.
func Offers(err error, target any) (yes bool) {
	if e, ok := err.(interface{ As(any) bool }); ok {
		defer func() { _ = recover() }()
		yes = e.As(target)
	}
	return yes
}

// Same is ==, but false for types that cannot be compared.
func Same(a, b error) (yes bool) {
	defer func() { _ = recover() }()
	return a == b
}

// Unwrap calls either form of err.Unwrap.
func Unwrap(err error) (several []error, one error) {
	defer func() { _ = recover() }()
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		one = e.Unwrap()
	case interface{ Unwrap() []error }:
		several = e.Unwrap()
	}
	return several, one
}
