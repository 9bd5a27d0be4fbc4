//go:build !unix && !windows

package subprocess

import "strconv"

func signalName(number int) string { return "signal " + strconv.Itoa(number) }
