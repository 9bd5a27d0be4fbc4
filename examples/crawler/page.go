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
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/internal/safetext"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// Bounds of the data kept of a page, and of the data examined while it is read.
const (
	longestTitle = 200       // characters
	longestKind  = 100       // bytes
	longestError = 1000      // bytes
	longestToken = 256 << 10 // bytes; what comes behind a longer tag or text is not read
	turn         = 64 << 10  // bytes that are read before others have their turn
)

// visit fetches a page and notes the result. Its error is that of a cancellation; everything else
// is noted.
func (c *crawl) visit(ctx context.Context, p *page) error {
	skip, err := c.enter(ctx, p.url)
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	if err != nil {
		p.err = brief(err)
		return nil
	}
	if skip != "" {
		p.skipped = skip
		return nil
	}
	clock := aio.RunningLoop(ctx)
	began := clock.Time()
	err = c.read(ctx, p)
	if errors.Is(err, aio.ErrCancelled) {
		return err
	}
	p.took, p.err = clock.Time().Sub(began), brief(err)
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
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	p.kind = strings.Clone(kind[:min(len(kind), longestKind)]) // the head may be large
	if to := r.Header.Get("Location"); r.StatusCode >= 300 && r.StatusCode < 400 && to != "" {
		if len(to) > c.longest {
			return fmt.Errorf("redirected to a URL of %d bytes", len(to))
		}
		next, err := p.url.Parse(to)
		if err != nil || !isPage(next) || len(next.String()) > c.longest {
			shown := cli.Short(safetext.URL(to), 200)
			return fmt.Errorf("redirected to %q, which is no page", shown)
		}
		if p.hops >= c.redirects {
			return fmt.Errorf("more than %s in a row", cli.Count(c.redirects, "redirect"))
		}
		known := len(c.order)
		p.redirect = c.found(normalized(next), p.depth) // is as far away as p
		if len(c.order) > known {
			p.redirect.hops = p.hops + 1
		}
		return nil
	}
	if r.StatusCode != http.StatusOK || p.kind != "text/html" && p.kind != "application/xhtml+xml" {
		p.bytes = max(0, r.ContentLength)
		return nil
	}
	body := &counter{r: io.LimitReader(r.Body(ctx), c.size), ctx: ctx}
	defer func() { p.bytes = body.n }()
	text, err := charset.NewReader(body, r.Header.Get("Content-Type"))
	if err == io.EOF {
		return nil // an empty page
	}
	if err != nil {
		return err
	}
	found, err := scan(text, p.url, c.settings)
	if err != nil {
		return err
	}
	p.cut = found.cut || body.n == c.size
	c.over += found.over
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

// brief cuts the text of a long error to a few words: it may contain the answer of a host.
func brief(err error) error {
	if err == nil || len(err.Error()) <= longestError {
		return err
	}
	return errors.New(strings.ToValidUTF8(err.Error()[:longestError], "") + "...")
}

// counter counts the bytes read, and lets other tasks run meanwhile.
type counter struct {
	ctx  context.Context
	r    io.Reader
	n    int64
	rest int // bytes until the next turn
}

func (c *counter) Read(p []byte) (int, error) {
	if c.rest <= 0 {
		c.rest = turn
		if err := aio.Yield(c.ctx); err != nil {
			return 0, err
		}
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.rest -= n
	return n, err
}

// content is what a page says.
type content struct {
	title string
	links []*url.URL // each once
	over  int        // links that were left out because of a bound
	cut   bool       // there is something that is too long to read
}

// scan reads a page to its end.
func scan(text io.Reader, base *url.URL, s settings) (content, error) {
	var c content
	var title strings.Builder
	inTitle, nofollow := false, false
	seen := map[string]bool{}
	z := html.NewTokenizer(text)
	z.SetMaxBuf(longestToken)
	for {
		switch z.Next() {
		case html.ErrorToken:
			if c.cut = errors.Is(z.Err(), html.ErrBufferExceeded); !c.cut && z.Err() != io.EOF {
				return c, z.Err()
			}
			c.title = strings.Clone(cli.Short(strings.Join(strings.Fields(title.String()), " "),
				longestTitle))
			if nofollow {
				c.links, c.over = nil, 0
			}
			return c, nil
		case html.TextToken:
			if inTitle && title.Len() < longestToken {
				title.Write(z.Text())
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); atom.Lookup(name) == atom.Title {
				inTitle = false
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, has := z.TagName()
			switch tag := atom.Lookup(name); tag {
			case atom.Title:
				inTitle = title.Len() == 0
			case atom.Base:
				if href := attributes(z, has, "href")[0]; len(href) <= s.longest {
					if u, err := base.Parse(href); err == nil && isPage(u) &&
						len(u.String()) <= s.longest {
						base = u
					}
				}
			case atom.Meta:
				about := attributes(z, has, "name", "content")
				if strings.EqualFold(about[0], "robots") &&
					strings.Contains(strings.ToLower(about[1]), "nofollow") {
					nofollow = true
				}
			case atom.A, atom.Area:
				about := attributes(z, has, "href", "rel")
				href := strings.TrimSpace(about[0])
				switch {
				case href == "" || strings.Contains(strings.ToLower(about[1]), "nofollow"):
					continue
				case len(href) > s.longest ||
					len(c.links) >= s.links && c.over > s.links: // not worth a look
					c.over++
					continue
				}
				u, err := base.Parse(href)
				if err != nil || !isPage(u) {
					continue
				}
				u = normalized(u)
				key := u.String()
				switch {
				case seen[key]:
				case len(key) > s.longest || len(c.links) >= s.links:
					c.over++
				default:
					seen[key] = true
					c.links = append(c.links, u)
				}
			}
		}
	}
}

// attributes returns the values of these attributes of the current tag, "" for one that is missing.
// Of two with the same name the first counts.
func attributes(z *html.Tokenizer, more bool, names ...string) []string {
	values := make([]string, len(names))
	found := make([]bool, len(names))
	for more {
		var name, value []byte
		name, value, more = z.TagAttr()
		for i := range names {
			if !found[i] && string(name) == names[i] {
				values[i], found[i] = string(value), true
			}
		}
	}
	return values
}
