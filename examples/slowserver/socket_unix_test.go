//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestTheSocketIsForTheUserAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	p := program.Start(t, "-addr", "unix:"+path)
	p.Out.Await(t, "Serving on ")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	p.Stop()
}
