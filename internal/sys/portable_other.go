//go:build !windows

package sys

// Error makes errors.Is know an error of the system by the name that it has elsewhere. Here it
// does.
func Error(err error) error { return err }

// DatagramError is Error for errors of sending and receiving datagrams.
func DatagramError(err error) error { return err }
