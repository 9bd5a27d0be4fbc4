//go:build !unix

package subprocess

import "os"

// duplicate returns f itself.
func duplicate(f *os.File) (*os.File, error) { return f, nil }
