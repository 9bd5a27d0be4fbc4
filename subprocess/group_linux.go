package subprocess

import (
	"bytes"
	"os"
	"strconv"
)

// onlyZombies reports whether a process group consists of zombies only, which nothing can end.
// Their new parent, process 1, may be slow to collect them, and in a container it may never do so.
// It reads the state of every process, so it is not for the loop.
func onlyZombies(leader int) bool {
	proc, err := os.Open("/proc")
	if err != nil {
		return false
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return false
	}
	group := strconv.Itoa(leader)
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has gone
		}
		// number (name) state parent group ..., and a name may have any character
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) > 2 && string(fields[2]) == group && fields[0][0] != 'Z' &&
			fields[0][0] != 'X' {
			return false
		}
	}
	return true
}
