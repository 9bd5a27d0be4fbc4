// Package errtree looks through errors that come from users. It does what errors.Is and errors.As do, but
// it ends even if a chain leads back to itself, and a panic of Unwrap is the end of that branch.
package errtree

// Max is how many errors of a chain or tree are looked at.
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

// As returns the first error of type E in the chain or tree of err. It calls no method named As.
func As[E error](err error) (e E, ok bool) {
	ok = Search(err, func(x error) (is bool) {
		if f, isE := x.(E); isE {
			e, is = f, true
		}
		return is
	})
	return e, ok
}

// Is reports whether target is in the chain or tree of err. It calls no method named Is.
func Is(err, target error) bool {
	return Search(err, func(e error) bool { return Same(e, target) })
}

// Same is ==, and false for errors of a type that cannot be compared.
func Same(a, b error) (yes bool) {
	defer func() { _ = recover() }()
	return a == b
}

// Unwrap calls err.Unwrap of either kind.
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
