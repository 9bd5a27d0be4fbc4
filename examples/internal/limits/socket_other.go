//go:build !unix

package limits

// Private calls listen. The sockets of this system have no modes.
func Private[T any](_ string, listen func() (T, error)) (T, error) { return listen() }
