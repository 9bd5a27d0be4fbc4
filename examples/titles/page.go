package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/aio-go/aio/aiohttp"
	"github.com/aio-go/aio/examples/internal/cli"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// missing is the title of a page that has no heading.
const missing = "MISSING"

const (
	longestPage = 4 << 20 // bytes: how far a heading is looked for
	// bytes: a page with a longer tag or text before its heading has none that we find
	longestToken   = 256 << 10
	longestHeading = 1000 // characters that are kept
)

// fetchTitle asks for a page and reads it as far as its first heading. It calls begun when the page
// begins to arrive.
func fetchTitle(ctx context.Context, c *aiohttp.Client, url string, begun func()) (string, error) {
	r, err := c.Get(ctx, url)
	if err != nil {
		return "", err
	}
	defer r.Close() // what comes after the heading is not read
	if err := r.Check(ctx); err != nil {
		return "", err
	}
	begun()
	// Parsing a piece takes no time; what is waited for is the next one, and that suspends this
	// task only.
	text, err := decoded(io.LimitReader(r.Body(ctx), longestPage), r.Header.Get("Content-Type"))
	if err != nil {
		return "", err
	}
	return heading(text)
}

// decoded returns a page in UTF-8. Its encoding is what the server says, or the first piece of the
// page; otherwise it is taken to be UTF-8.
func decoded(page io.Reader, contentType string) (io.Reader, error) {
	first := make([]byte, 1024)
	n, err := page.Read(first)
	if n == 0 && err != nil && err != io.EOF { // with data it comes again
		return nil, err
	}
	first = first[:n]
	page = io.MultiReader(bytes.NewReader(first), page)
	if encoding, _, certain := charset.DetermineEncoding(first, contentType); certain {
		page = encoding.NewDecoder().Reader(page)
	}
	return page, nil
}

// heading returns the text of the first <h1> of a page, with single spaces between words.
func heading(page io.Reader) (string, error) {
	z := html.NewTokenizer(page)
	z.SetMaxBuf(longestToken)
	inside := false
	var text strings.Builder
	for {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF && !errors.Is(z.Err(), html.ErrBufferExceeded) {
				return "", z.Err()
			}
			return tidy(text.String()), nil
		case html.StartTagToken:
			name, _ := z.TagName()
			switch atom.Lookup(name) {
			case atom.H1:
				inside = true
			case atom.Br:
				text.WriteByte(' ')
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); inside && atom.Lookup(name) == atom.H1 {
				return tidy(text.String()), nil
			}
		case html.TextToken:
			if inside && text.Len() < longestToken {
				text.Write(z.Text())
			}
		}
	}
}

func tidy(text string) string {
	if words := strings.Fields(text); len(words) > 0 {
		return cli.Short(strings.Join(words, " "), longestHeading)
	}
	return missing
}
