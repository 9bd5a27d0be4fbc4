package main

import (
	"testing"

	"github.com/aio-go/aio/examples/internal/hostile"
)

func TestHostilePeersDoNotHoldTheSiteUp(t *testing.T) {
	hostile.AttackSite(t, village, "/", "The village")
}
