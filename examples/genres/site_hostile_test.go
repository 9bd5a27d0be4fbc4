package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersDoNotHoldTheSiteUp(t *testing.T) {
	hostile.AttackSite(t, genrenator, "/genre/1", "\"")
}

func TestWithPublicNoRedirectLeadsInside(t *testing.T) {
	outside, inside, came := hostile.Inside(t, `"inside"`)
	for _, test := range []struct {
		args []string
		code int
		came int64
	}{
		{[]string{"-public", outside}, cli.Failed, 0},
		{[]string{outside}, cli.OK, 4},
		{[]string{"-public", inside}, cli.OK, 4},
	} {
		came.Store(0)
		got := genres.Run(t.Context(), append([]string{"-json", "-n", "2", "-o", t.TempDir()}, test.args...)...)
		if got.Code != test.code || came.Load() != test.came || strings.Count(got.Out, `"text":"inside"`) != int(test.came) {
			t.Errorf("%v: %d have come, %+v", test.args, came.Load(), got)
		}
		if refused := strings.Contains(got.Out, "the client may not connect to this address"); refused != (test.code == cli.Failed) {
			t.Errorf("%v: %+v", test.args, got)
		}
	}
}
