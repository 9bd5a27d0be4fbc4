package main

import (
	"context"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersDoNotHoldTheSitesUp(t *testing.T) {
	v := newVillage(t)
	sites, err := aio.SubmitValue(t.Context(), v.loop, func(ctx context.Context) (*localSites, error) {
		return startLocalSites(ctx, []localSite{{"/", "200 OK", 0, false}})
	})
	if err != nil {
		t.Fatal(err)
	}
	at, err := parseSite(sites.urls[0])
	if err != nil {
		t.Fatal(err)
	}
	target := hostile.Target{
		Network: "tcp",
		Address: at.address,
		Request: "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		Peers:   100,
		Share:   10,
	}
	target.Probe = func(t *testing.T) { hostile.Ask(t, target, target.Request, "HTTP/1.1 200 OK\r\n") }
	hostile.Attack(t, target)
}
