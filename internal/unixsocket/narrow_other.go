//go:build !linux

package unixsocket

import "io/fs"

// narrow does nothing: the file has the mode that the umask leaves until SetMode is called, which
// is soon.
func narrow(uintptr, fs.FileMode) {}
