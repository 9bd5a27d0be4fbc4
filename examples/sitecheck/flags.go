package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
)

const usage = `Sitecheck asks websites for their status, all at once.

    sitecheck                     check ten small sites of its own, one after the other and then
                                  all at once, and compare
    sitecheck -net                the same with ten real sites, those of a guide to asyncio
    sitecheck [flags] URL...      check these sites
    sitecheck [flags] -f FILE     check the sites in a file, one on a line; - is standard input

A URL without a scheme is http. A site on a Unix socket is written unix:/run/site.sock:/page; no redirect
leads to one.

    -limit N        check at most N sites at the same time (default 100)
    -perhost N      and at most N of one host, over as many connections (default: as many as there are)
    -method METHOD  ask with this method: HEAD, OPTIONS (default GET)
    -redirects N    follow up to N redirects, and show them; 0 shows the first answer (default 10)
    -timeout TIME   give a site that long for a try: 500ms, 10s, 1m (default 10s)
    -retries N      try again up to N times what may work a moment later (default 0)
    -sequential     check one site after the other
    -json           print one JSON object a site, each on a line of its own:
                    url, status, reason, milliseconds, error, redirects
    -insecure       accept any certificate
    -public         a redirect from a host on the Internet must not lead to a private address: this
                    machine, or its networks

A site has answered if it sent an HTTP status, whatever the status is. The time is that of the
last try, redirects included. Sites of one host that are checked one after the other share a
connection. Below the table of several sites stands a summary: how often each status came, and the
time of the quickest answer, the median, and what 99 % of the answers kept within. Ctrl-C ends the
check and shows what is known.

Exit code: 0 if every site answered, 1 if not, 2 for a mistake in the command line, 130 after Ctrl-C or SIGTERM.
`

// settings are what the command line says.
type settings struct {
	urls       []string // none: sites of our own
	limit      int
	perHost    int
	method     string
	redirects  int
	timeout    time.Duration
	retries    int
	sequential bool
	json       bool
	insecure   bool
	public     bool
	net        bool // ten real sites in place of our own
}

// realSites are those that "Python Asyncio: The Complete Guide" checks.
var realSites = []string{
	"https://www.google.com/", "https://www.youtube.com/", "https://www.facebook.com/",
	"https://twitter.com/", "https://www.instagram.com/", "https://www.baidu.com/",
	"https://www.wikipedia.org/", "https://yandex.ru/", "https://yahoo.com/",
	"https://www.whatsapp.com/",
}

// parseFlags reads the command line, and the file of -f. Flags may stand after URLs, too. For -help
// it returns flag.ErrHelp.
func parseFlags(args []string, stdin io.Reader) (settings, error) {
	var s settings
	flags := cli.Flags("sitecheck")
	file := flags.String("f", "", "")
	flags.IntVar(&s.limit, "limit", 100, "")
	flags.IntVar(&s.perHost, "perhost", 0, "")
	flags.StringVar(&s.method, "method", "GET", "")
	flags.IntVar(&s.redirects, "redirects", 10, "")
	flags.DurationVar(&s.timeout, "timeout", 10*time.Second, "")
	flags.IntVar(&s.retries, "retries", 0, "")
	flags.BoolVar(&s.sequential, "sequential", false, "")
	flags.BoolVar(&s.json, "json", false, "")
	flags.BoolVar(&s.insecure, "insecure", false, "")
	flags.BoolVar(&s.public, "public", false, "")
	flags.BoolVar(&s.net, "net", false, "")
	urls, err := cli.Parse(flags, args)
	if err != nil {
		return s, err
	}
	s.urls = urls
	switch {
	case s.limit < 1:
		return s, fmt.Errorf("-limit is %d; it must be at least 1", s.limit)
	case s.perHost < 0:
		return s, fmt.Errorf("-perhost is %d; it must be at least 0", s.perHost)
	case s.redirects < 0:
		return s, fmt.Errorf("-redirects is %d; it must be at least 0", s.redirects)
	case strings.Trim(s.method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "" || s.method == "" ||
		s.method == "CONNECT":
		return s, fmt.Errorf("-method is %q; it must be one that can be asked of a site, such as "+
			"GET or HEAD", s.method)
	case s.timeout <= 0:
		return s, fmt.Errorf("-timeout is %v; it must be more than 0", s.timeout)
	case s.retries < 0:
		return s, fmt.Errorf("-retries is %d; it must be at least 0", s.retries)
	}
	if *file != "" {
		listed, err := readList(*file, stdin)
		if err != nil {
			return s, err
		}
		s.urls = append(s.urls, listed...)
	}
	if s.net && len(s.urls) > 0 {
		return s, fmt.Errorf("-net and %s do not go together", cli.ShownURL(s.urls[0]))
	}
	return s, nil
}

// largestList is the size of a file with URLs, in bytes, beyond which it is taken for a mistake.
const largestList = 64 << 20

// readList reads the URLs in a file. Empty lines and those that begin with # do not count.
func readList(name string, stdin io.Reader) ([]string, error) {
	in := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, largestList+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > largestList:
		return nil, fmt.Errorf("%s has more than %s, which is no list of URLs",
			name, cli.Count(largestList, "byte"))
	}
	var urls []string
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			urls = append(urls, line)
		}
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("there is no URL in %s", name)
	}
	return urls, nil
}
