package main

import (
	"context"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiotest"
)

// The program as it is, on a host of a simulated world: ten sites with TLS, and the times exact.
func TestSitecheckRunsInASimulatedWorld(t *testing.T) {
	aiotest.Run(t, func(ctx context.Context, t *aiotest.T) error {
		s, err := parseFlags(nil, strings.NewReader(""))
		if err != nil {
			return err
		}
		var out strings.Builder
		p := &program{settings: s, streams: streams{out: &out}}
		if err := p.main(aiotest.NewWorld(ctx, t, aiotest.Faults{}).Host("here").Context(ctx)); err != nil {
			return err
		}
		if p.result.answered != p.result.sites || p.result.sites != len(tenSites) {
			t.Errorf("%v:\n%s", p.result, out.String())
		}
		t.Log(out.String())
		return nil
	}, aiotest.MaxSteps(1_000_000))
}
