package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/browser"
)

func TestThePageInABrowser(t *testing.T) {
	b := browser.Open(t)
	p, url, _ := start(t, "-devices", "2")
	b.Visit(url + "/")
	b.Await(`document.querySelector('#status').textContent === 'Connected.'`)
	b.Await(`document.querySelectorAll('#sensors li').length === 2`)
	b.Await(`/ °C$/.test(document.querySelector('#sensors b').textContent)`)
	b.Shot("sensors")
	if len(b.Trouble) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(b.Trouble, "\n"))
	}
	p.Stop()
	b.Await(`document.querySelector('#status').textContent === 'Not connected.'`)
}
