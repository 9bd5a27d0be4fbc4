package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/browser"
)

const (
	codes  = `[...document.querySelectorAll('#found .code')].map(e => e.textContent).join(' ')`
	status = `document.querySelector('#status').textContent`
)

func TestThePageInABrowser(t *testing.T) {
	b := browser.Open(t)
	p, address := start(t)
	b.Resize(1280, 900)
	b.Visit(address + "/")
	b.Await("document.activeElement.id === 'q'") // one can type at once
	b.Shot("start")

	// While one types.
	b.Types("cat smi")
	b.Await(status + ` === 'Nothing has all of these words in its name.'`)
	b.Types("ling")
	b.Await(status + ` === '3 characters'`)
	if got := b.Value(codes); got != "U+1F638 U+1F63A U+1F63B" {
		t.Errorf("found %v", got)
	}
	got := b.Value("location.search + document.title")
	if got != "?q=cat%20smilingcat smiling – Mojifinder" {
		t.Errorf("the address is %v", got)
	}
	b.Shot("cats")

	// The address leads there again.
	b.Visit(address + "/?q=cat%20smiling")
	if got := b.Value(codes); got != "U+1F638 U+1F63A U+1F63B" {
		t.Errorf("found again %v", got)
	}

	// Return, the button, an idea.
	b.Value("document.querySelector('#q').select()")
	b.Types("chess king")
	b.Press("Enter", 13, "\r")
	b.Await(status + ` === '12 characters'`)
	b.Value("document.querySelector('#q').select()")
	b.Types("registered")
	b.Click("form button")
	b.Await(status + ` === '1 character'`)
	b.Click("nav a:last-child")
	b.Await(`document.querySelector('#q').value === 'euro' && ` + codes + `.includes('U+20AC')`)

	// A click copies.
	b.Do("Browser.grantPermissions", "permissions",
		[]string{"clipboardReadWrite", "clipboardSanitizedWrite"}, "origin", address)
	b.Click(`#found [data-char="€"]`)
	b.Await(`!document.querySelector('#toast').hidden`)
	if got := b.Value("document.querySelector('#toast').textContent"); got != "€ copied" {
		t.Errorf("the page says %v", got)
	}
	b.Shot("copied")

	// Narrow windows.
	for _, width := range []int{320, 390, 768} {
		b.Resize(width, 800)
		b.Visit(address + "/?q=arrow%20right")
		if got := b.Value("document.documentElement.scrollWidth"); got != float64(width) {
			t.Errorf("the page is %v wide in a window of %d", got, width)
		}
		b.Shot(fmt.Sprint("arrows", width))
	}
	b.Do("Emulation.setEmulatedMedia", "features",
		[]map[string]string{{"name": "prefers-color-scheme", "value": "dark"}})
	b.Resize(1280, 900)
	b.Visit(address + "/?q=heart")
	b.Shot("dark")
	if got := b.Value("getComputedStyle(document.body).backgroundColor"); got != "rgb(27, 24, 21)" {
		t.Errorf("the dark page is %v", got)
	}

	if len(b.Trouble) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(b.Trouble, "\n"))
	}

	// The server goes away.
	p.Stop()
	b.Value("document.querySelector('#q').select()")
	b.Types("dog")
	b.Await(status + ` === 'The server does not answer.'`)
	if got := b.Value(codes); got != "" {
		t.Errorf("still shown: %v", got)
	}
}

func TestTheFormInABrowserWithoutScripts(t *testing.T) {
	b := browser.Open(t)
	_, address := start(t)
	b.Do("Emulation.setScriptExecutionDisabled", "value", true)
	b.Do("Page.navigate", "url", address+"/")
	b.Await("document.readyState === 'complete' && document.activeElement.id === 'q'")
	b.Types("cat smiling")
	b.Press("Enter", 13, "\r")
	b.Await("document.readyState === 'complete' && location.search === '?q=cat+smiling'")
	if got := b.Value(codes); got != "U+1F638 U+1F63A U+1F63B" {
		t.Errorf("found %v", got)
	}
}
