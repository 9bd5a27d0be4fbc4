package transport

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// descriptorTable returns the size of the kernel's table of this process's descriptors.
func descriptorTable(t *testing.T) (size int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("it is not told here: ", err)
	}
	_, rest, _ := strings.Cut(string(status), "\nFDSize:")
	if _, err := fmt.Sscan(rest, &size); err != nil {
		t.Skip("it is not told here: ", err)
	}
	return size
}

func TestTheTableOfDescriptorsGrowsBeforeItIsFull(t *testing.T) {
	before := descriptorTable(t)
	if before > 1024 {
		t.Skipf("another test has made it grow to %d entries", before)
	}
	growTable(2 * before)
	if got := descriptorTable(t); got != 2*before {
		t.Errorf("the table has %d entries, want %d", got, 2*before)
	}
	growTable(1 << 30) // beyond any limit: nothing happens
	if got := descriptorTable(t); got != 2*before {
		t.Errorf("the table has %d entries, want %d", got, 2*before)
	}
}

func TestTheTableOfDescriptorsGrowsWhenHalfOfItIsInUse(t *testing.T) {
	defer tableSize.Store(tableSize.Load())
	for _, c := range []struct{ size, fd, next int64 }{
		{0, 3, firstTable},
		{firstTable, firstTable/2 - 1, firstTable},
		{firstTable, firstTable / 2, 2 * firstTable},
		{firstTable, 2 * firstTable, 2 * firstTable}, // from elsewhere; the next one doubles again
		{firstTable, -1, firstTable},                 // no descriptor
	} {
		tableSize.Store(c.size)
		reserveDescriptors(int(c.fd))
		if got := tableSize.Load(); got != c.next {
			t.Errorf("of %d entries, with descriptor %d: %d, want %d", c.size, c.fd, got, c.next)
		}
	}
}
