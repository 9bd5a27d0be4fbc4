package main

import (
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/browser"
)

func TestThePageInABrowser(t *testing.T) {
	b := browser.Open(t)
	p, url := start(t)
	b.Visit(url + "/")
	b.Await(`document.querySelector('#status').textContent === 'The market is open.'`)
	b.Await(`document.querySelectorAll('#prices tr').length === 4`)
	b.Await(`document.querySelector('#status').dataset.last > 50`)
	b.Shot("ticker")
	if len(b.Trouble) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(b.Trouble, "\n"))
	}
	p.Stop()
	b.Await(`document.querySelector('#status').textContent === 'Not connected.'`)
}
