package main

import (
	"os"
	"testing"
	"time"
)

func TestTheCPUClockOfAProcessRuns(t *testing.T) {
	needNet(t)
	before, err := processCPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for x := 0; ; x++ {
		if x%1000 != 0 {
			continue
		}
		now, err := processCPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now-before > time.Millisecond {
			break
		}
	}
	if _, err := processCPU(1<<22 + 1); err == nil {
		t.Error("a process that is not there has a CPU clock")
	}
	if n, err := residentMemory(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("this process has %d bytes of memory, %v", n, err)
	}
}
