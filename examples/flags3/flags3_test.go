package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/examples/internal/flagart"
	"github.com/aio-go/aio/examples/internal/flagkit/flagkittest"
)

func TestMain(m *testing.M) { clitest.Main(m, main) }

func TestDownloads(t *testing.T) {
	flagkittest.Suite{
		Program:  &program,
		FileName: func(c flagart.Country) string { return fileName(c.Name) + ".gif" },
		Requests: []string{"/%[1]s/%[1]s.gif", "/%[1]s/metadata.json"},
	}.All(t)
}

func TestNoNameLeadsAway(t *testing.T) {
	for country, want := range map[string]string{
		"Côte d'Ivoire":                  "Côte_d'Ivoire",
		"United States of America":       "United_States_of_America",
		"../../etc/passwd":               "etcpasswd",
		"..":                             "",
		".hidden":                        "hidden",
		"C:\\Windows":                    "CWindows",
		"a\x00b\nc":                      "abc",
		"":                               "",
		strings.Repeat("long name ", 50): strings.Repeat("long_name_", 10),
	} {
		if got := fileName(country); got != want {
			t.Errorf("%q: %q, want %q", country, got, want)
		}
	}
}
