package aiohttp

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// hostKey names the host of a URL: scheme, name and port, the same for all spellings.
func hostKey(u *url.URL) string {
	if key, ok := plainKey(u); ok {
		return key
	}
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		port = strconv.FormatUint(n, 10)
	}
	switch {
	case port != "":
	case scheme == "http":
		port = "80"
	case scheme == "https":
		port = "443"
	}
	return scheme + "://" + net.JoinHostPort(canonicalHost(u.Hostname()), port)
}

// plainKey is hostKey for a URL that is in its one spelling already, which most are.
func plainKey(u *url.URL) (key string, ok bool) {
	name, port, hasPort := strings.Cut(u.Host, ":")
	switch {
	case u.Scheme != "http" && u.Scheme != "https", name == "", name[len(name)-1] == '.':
		return "", false
	case !hasPort && u.Scheme == "http":
		port = "80"
	case !hasPort:
		port = "443"
	case port == "", port[0] == '0':
		return "", false
	}
	for i := range len(name) {
		c := name[i]
		if ('a' > c || c > 'z') && ('0' > c || c > '9') && c != '.' && c != '-' {
			return "", false
		}
	}
	for i := range len(port) {
		if '0' > port[i] || port[i] > '9' {
			return "", false
		}
	}
	return u.Scheme + "://" + name + ":" + port, true
}

// canonicalHost returns the one spelling of a host's name or address. A name is in lower case and
// Punycode, without the dot at the end. An IPv6 address is in its shortest form, or an IPv4 address
// if it maps one.
func canonicalHost(name string) string {
	name = strings.TrimSuffix(dots.Replace(name), ".")
	if ip, err := netip.ParseAddr(name); err == nil {
		return ip.Unmap().String()
	}
	return asciiHost(strings.ToLower(name))
}

// dots are the characters that count as a dot between labels.
var dots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// asciiHost writes the labels of a name that are not ASCII in Punycode.
func asciiHost(name string) string {
	if !hasWide(name) {
		return name
	}
	labels := strings.Split(name, ".")
	for i, label := range labels {
		if hasWide(label) {
			labels[i] = "xn--" + punycode(label)
		}
	}
	return strings.Join(labels, ".")
}

func hasWide(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// punycode encodes a label by RFC 3492.
func punycode(label string) string {
	const (
		base, tmin, tmax, skew, damp = 36, 1, 26, 38, 700
		digits                       = "abcdefghijklmnopqrstuvwxyz0123456789"
	)
	var out []byte
	for _, c := range label {
		if c < utf8.RuneSelf {
			out = append(out, byte(c))
		}
	}
	basic := len(out)
	if basic > 0 {
		out = append(out, '-')
	}
	next, delta, bias := rune(utf8.RuneSelf), 0, 72
	total := utf8.RuneCountInString(label)
	for done := basic; done < total; next++ {
		least := rune(utf8.MaxRune + 1) // the least character that is not encoded yet
		for _, c := range label {
			if c >= next && c < least {
				least = c
			}
		}
		delta += int(least-next) * (done + 1)
		next = least
		for _, c := range label {
			if c < next {
				delta++
			}
			if c != next {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tmin), tmax)
				if q < t {
					break
				}
				out = append(out, digits[t+(q-t)%(base-t)])
				q = (q - t) / (base - t)
			}
			out = append(out, digits[q])
			// The bias adapts to the distance of the last characters.
			if done == basic {
				delta /= damp
			} else {
				delta /= 2
			}
			delta += delta / (done + 1)
			k := 0
			for ; delta > (base-tmin)*tmax/2; k += base {
				delta /= base - tmin
			}
			bias = k + (base-tmin+1)*delta/(delta+skew)
			delta = 0
			done++
		}
		delta++
	}
	return string(out)
}
