package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/aio-go/aio"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// largestPage is how much of a page is read.
const largestPage = 8 << 20

// visit asks for a page and notes what is there. Its error is that of a cancellation; everything else is noted.
func (c *crawl) visit(ctx context.Context, p *page) error {
	allowed, err := c.enter(ctx, p.url)
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	if err != nil {
		p.err = err
		return nil
	}
	if !allowed {
		p.skipped = "robots.txt"
		return nil
	}
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	err = c.read(ctx, p)
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	p.took, p.err = clock.Time().Sub(began), err
	return nil
}

// read asks for a page, and reads it if it may have links.
func (c *crawl) read(ctx context.Context, p *page) error {
	r, err := c.client.Get(ctx, p.url.String())
	if err != nil {
		return err
	}
	defer r.Close()
	p.status = r.StatusCode
	p.kind, _, _ = mime.ParseMediaType(r.Header.Get("Content-Type"))
	if to := r.Header.Get("Location"); r.StatusCode >= 300 && r.StatusCode < 400 && to != "" {
		next, err := p.url.Parse(to)
		if err != nil || !isPage(next) {
			return fmt.Errorf("redirected to %q, which is no page", to)
		}
		p.redirect = c.found(normalized(next), p.depth) // is as far away as p
		return nil
	}
	if r.StatusCode != http.StatusOK || p.kind != "text/html" && p.kind != "application/xhtml+xml" {
		p.bytes = max(0, r.ContentLength)
		return nil
	}
	body := &counter{r: io.LimitReader(r.Body(ctx), largestPage)}
	defer func() { p.bytes = body.n }()
	text, err := charset.NewReader(body, r.Header.Get("Content-Type"))
	if err == io.EOF {
		return nil // an empty page
	}
	if err != nil {
		return err
	}
	found, err := scan(text, p.url)
	if err != nil {
		return err
	}
	p.title = found.title
	listed := map[*page]bool{p: true}
	for _, u := range found.links {
		if link := c.found(u, p.depth+1); link != nil && !listed[link] {
			listed[link] = true
			p.links = append(p.links, link)
		}
	}
	return nil
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// content is what a page says.
type content struct {
	title string
	links []*url.URL
}

// scan reads a page to its end.
func scan(text io.Reader, base *url.URL) (content, error) {
	var c content
	var title strings.Builder
	inTitle, nofollow := false, false
	z := html.NewTokenizer(text)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF {
				return c, z.Err()
			}
			c.title = strings.Join(strings.Fields(title.String()), " ")
			if nofollow {
				c.links = nil
			}
			return c, nil
		case html.TextToken:
			if inTitle {
				title.Write(z.Text())
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Title {
				inTitle = false
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			tag := z.Token()
			switch tag.DataAtom {
			case atom.Title:
				inTitle = title.Len() == 0
			case atom.Base:
				if u, err := base.Parse(attribute(tag, "href")); err == nil && isPage(u) {
					base = u
				}
			case atom.Meta:
				if strings.EqualFold(attribute(tag, "name"), "robots") && strings.Contains(strings.ToLower(attribute(tag, "content")), "nofollow") {
					nofollow = true
				}
			case atom.A, atom.Area:
				href := strings.TrimSpace(attribute(tag, "href"))
				if href == "" || strings.Contains(strings.ToLower(attribute(tag, "rel")), "nofollow") {
					continue
				}
				if u, err := base.Parse(href); err == nil && isPage(u) {
					c.links = append(c.links, normalized(u))
				}
			}
		}
	}
}

func attribute(tag html.Token, name string) string {
	for _, a := range tag.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
