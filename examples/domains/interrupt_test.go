package main

import (
	"net"
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

func TestCtrlCAndSIGTERMEndTheProgram(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	clitest.Signals(t, func(t *testing.T, sig os.Signal) {
		got := clitest.Signal(t, sig, "FOUND", "-dns", silent.LocalAddr().String(), "-timeout",
			"1h", "-max", "2")
		if got.Code != cli.Interrupted ||
			!strings.HasPrefix(got.Err, "domains: interrupted: 0 of 2 names asked for, 0 found\n") {
			t.Errorf("%+v", got)
		}
	})
}
