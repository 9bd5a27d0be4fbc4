//go:build !unix

package aio

import "os"

func uncatchable(sig os.Signal) bool { return sig == os.Kill }
