package main

import (
	"testing"

	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersDoNotHoldTheSiteUp(t *testing.T) {
	hostile.AttackSite(t, genrenator, "/genre/1", "\"")
}
