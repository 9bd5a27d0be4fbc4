//go:build !unix && !plan9

package aio

import "os"

func uncatchable(sig os.Signal) bool { return sig == os.Kill }
