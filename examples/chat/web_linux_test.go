package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiowebsocket"
	"github.com/aio-go/aio/examples/internal/browser"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

const lastLine = `[...document.querySelectorAll('#said li')].at(-1)?.textContent`

// startWeb starts a chat for terminals and browsers.
func startWeb(t *testing.T, args ...string) (p *clitest.Running, addr, page string) {
	t.Helper()
	p, addr = start(t, append([]string{"-web", "127.0.0.1:0"}, args...)...)
	page, _, _ = strings.Cut(p.Out.String()[strings.Index(p.Out.String(), "The page is ")+12:], ".\n")
	return p, addr, page
}

func TestABrowserAndATerminalTalk(t *testing.T) {
	b := browser.Open(t)
	p, addr, page := startWeb(t)
	b.Visit(page + "/")
	b.Await(lastLine + `?.startsWith('* Welcome, guest1.')`)
	anna := come(t, "tcp", addr)
	anna.hears("* Welcome, guest2. You are in lobby, with 1 other." + helpHint)
	b.Await(lastLine + ` === '* guest2 has come'`)
	anna.says("/nick anna", "hello <b>you</b>")
	anna.hears("* You are anna now.")
	b.Await(lastLine + ` === 'anna: hello <b>you</b>'`) // as text
	b.Types("/nick bert")
	b.Press("Enter", 13, "\r")
	anna.hears("* guest1 is bert now")
	b.Types("hi, anna ♥")
	b.Click("button")
	anna.hears("bert: hi, anna ♥")
	b.Await(lastLine + ` === 'hi, anna ♥'`)
	b.Resize(390, 700)
	if got := b.Value("document.documentElement.scrollWidth"); got != 390.0 {
		t.Errorf("the page is %v wide", got)
	}
	b.Shot("chat")
	if len(b.Trouble) > 0 {
		t.Errorf("the browser complains: %s", strings.Join(b.Trouble, "\n"))
	}
	b.Types("/quit bye")
	b.Press("Enter", 13, "\r")
	anna.hears("* bert has gone: bye")
	b.Await(lastLine + ` === '— The conversation has ended. —'`)

	b.Visit(page + "/")
	anna.hears("* guest3 has come")
	if code := p.Stop(); code != cli.OK || p.Err.String() != "" {
		t.Errorf("exit code %d, on stderr %q", code, p.Err)
	}
	b.Await(lastLine + ` === '— Not connected. —'`)
}

// visitor connects as the page does, and passes what it hears.
func visitor(
	ctx context.Context, t *testing.T, page string, o aiowebsocket.Options,
) *aiowebsocket.Conn {
	t.Helper()
	c, err := aiowebsocket.Dial(ctx, "ws"+strings.TrimPrefix(page, "http")+"/chat", o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestPagesOfOthersAndTooManyMembersAreRefused(t *testing.T) {
	_, _, page := startWeb(t, "-connections", "3")
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		evil := aiowebsocket.Options{Header: http.Header{"Origin": {"https://evil.example"}}}
		if _, err := aiowebsocket.Dial(ctx, "ws"+page[4:]+"/chat", evil); err == nil {
			t.Error("a page of others may connect")
		}
		c := visitor(ctx, t, page, aiowebsocket.Options{})
		defer c.Abort()
		if m, err := c.Read(ctx); err != nil || !strings.HasPrefix(m.String(), "* Welcome") {
			t.Errorf("%s, %v", m, err)
		}
		if err := c.WriteText(ctx, strings.Repeat("x", longestLine+1)); err != nil {
			return err
		}
		_, err := c.Read(ctx)
		if e, ok := err.(*aiowebsocket.CloseError); !ok || e.Code != aiowebsocket.TooBig {
			t.Error(err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAVisitorWhoDoesNotReadIsCutOff(t *testing.T) {
	p, addr, page := startWeb(t, "-backlog", "4096", "-rate", "1000000")
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c := visitor(ctx, t, page, aiowebsocket.Options{Heartbeat: time.Hour})
		defer c.Abort()
		if _, err := c.Read(ctx); err != nil {
			return err
		}
		anna := come(t, "tcp", addr)
		return aio.Blocking(ctx, func(context.Context) error {
			line := strings.Repeat("x", 900)
			for !strings.Contains(p.Out.String(), "guest1 was too slow to read and is cut off") {
				for range 200 {
					anna.says(line)
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}
