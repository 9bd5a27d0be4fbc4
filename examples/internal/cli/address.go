package cli

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/aio-go/aio/internal/safetext"
)

// Network splits the address of a server: "unix:PATH" is a Unix socket, anything else "HOST:PORT".
func Network(addr string) (network, address string) {
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		return "unix", path
	}
	return "tcp", addr
}

var hasScheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// WithScheme is the address of a page as a person types it, with its scheme: without one it is
// http, as it is for curl.
func WithScheme(text string) string {
	switch {
	case strings.HasPrefix(text, "//"):
		return "http:" + text
	case hasScheme.MatchString(text), strings.HasPrefix(text, "://"),
		strings.HasPrefix(text, "http:"), strings.HasPrefix(text, "https:"):
		return text
	}
	return "http://" + text
}

// WebURL reads the address of a page; see [WithScheme]. An error describes the problem without the
// address.
func WebURL(text string) (*url.URL, error) {
	u, err := url.Parse(WithScheme(text))
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return nil, err
	}
	return u, CheckWeb(u)
}

// CheckWeb says why an address cannot be requested over HTTP.
func CheckWeb(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("the scheme is %q, not http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return errors.New("it names no host")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return fmt.Errorf("there is no port %s", port)
		}
	}
	return nil
}

// ShownURL is an address without the password, if it has one.
func ShownURL(text string) string {
	begin, at := safetext.UserInfo(text)
	name, _, hasPassword := strings.Cut(text[begin:at], ":")
	if hasPassword {
		name += ":xxxxx"
	}
	return text[:begin] + name + text[at:]
}
