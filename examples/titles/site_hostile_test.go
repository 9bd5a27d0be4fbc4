package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersDoNotHoldTheSiteUp(t *testing.T) {
	hostile.AttackSite(t, podcast, "/1", "Episode")
}

func TestWithPublicNoRedirectLeadsInside(t *testing.T) {
	outside, inside, came := hostile.Inside(t, "<h1>inside</h1>")
	for _, test := range []struct {
		args []string
		code int
		came int64
	}{
		{[]string{"-public", outside}, cli.Failed, 0},
		{[]string{outside}, cli.OK, 1},
		{[]string{"-public", inside}, cli.OK, 1},
		{[]string{"-public", inside, outside}, cli.Failed, 1}, // what was given is asked for, and no way for others
	} {
		came.Store(0)
		got := titles.Run(t.Context(), append([]string{"-json"}, test.args...)...)
		if got.Code != test.code || came.Load() != test.came || strings.Count(got.Out, `"title":"inside"`) != int(test.came) || got.Err != "" {
			t.Errorf("%v: %d have come, %+v", test.args, came.Load(), got)
		}
		if refused := strings.Contains(got.Out, "the client may not connect to this address"); refused != (test.code == cli.Failed) {
			t.Errorf("%v: %+v", test.args, got)
		}
	}
}
