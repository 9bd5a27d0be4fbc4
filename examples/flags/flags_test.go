package main

import (
	"testing"

	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/flagart"
	"github.com/aio-go/aio/examples/internal/flagkit/flagkittest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDownloads(t *testing.T) {
	flagkittest.Suite{
		Program:  &program,
		FileName: func(c flagart.Country) string { return c.Code + ".gif" },
		Requests: []string{"/%[1]s/%[1]s.gif"},
	}.All(t)
}
