//go:build !linux

package flagkittest

import "testing"

func smallDisk(t *testing.T) string {
	t.Helper()
	t.Skip("no disk can be made that is soon full: that needs Linux")
	return ""
}
