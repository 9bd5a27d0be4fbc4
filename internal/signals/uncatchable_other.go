//go:build !unix && !plan9

package signals

import "os"

func uncatchable(sig os.Signal) bool { return sig == os.Kill }
