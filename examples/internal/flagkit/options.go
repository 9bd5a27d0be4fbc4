package flagkit

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/flagart"
	"github.com/aio-go/aio/examples/internal/slowserver"
)

// popular are the twenty countries with the most people, the default.
const popular = "CN IN US ID BR PK NG BD RU JP MX PH VN ET EG DE IR TR CD FR"

// mostAtOnce is the largest number of requests at the same time that may be asked for.
const mostAtOnce = 1000

// Options are what the command line says.
type Options struct {
	Codes   []string // of the countries, in order
	MaxReq  int      // how many requests may be under way at the same time
	Server  *url.URL // nil: a slow server of our own
	Verbose bool
	JSON    bool
	Virtual bool
	Folder  string        // where the files go
	Timeout time.Duration // for one request
	Mood    slowserver.Mood
}

const help = `
    %[1]s                 the twenty countries with the most people
    %[1]s [flags] CC...   these: DE is Germany, D all codes from DA to DZ
    %[1]s [flags] -a      all countries
    %[1]s [flags] -e      every possible code, from AA to ZZ

    -l N               only the first N of the codes
    -m N               at most N requests at the same time, up to 1000 (default %[3]s)
    -s URL             the server: flags are at URL/de/de.gif, names at URL/de/metadata.json
                       (default: a slow server of its own, in the same process)
    -v                 a line for each code
    -o FOLDER          put the files there (default downloaded)
    -timeout TIME      give a request that long: 500ms, 10s (default 10s)
    -json              print one JSON object with the counts and a record for each code

For the server of its own:

    -delay RANGE       wait that long before each answer: 500ms-5s, 1s (default 100ms-1s)
    -error-rate SHARE  answer this share of the requests with an error, from 0 to 1 (default 0)
    -seed N            another seed, other delays and errors; 0 takes a different one each time (default 1)
    -virtual           neither network nor waiting: the answers come from memory, under a clock that
                       jumps. The same command prints the same, times included

Files appear under their names when they are complete. Ctrl-C ends the downloads and shows what is done.

Exit code: 0 if there is an answer for every code, be it that there is no such flag; 1 if a download
failed; 2 for a mistake in the command line; 130 after Ctrl-C or SIGTERM.
`

func (p *Program) usage() string {
	most := fmt.Sprint(p.MaxReq)
	if p.MaxReq == 0 {
		most = "all of them"
	}
	return fmt.Sprintf("%[2]s\n"+help, p.Name, p.About, most)
}

// parse reads the command line. For -help it returns flag.ErrHelp.
func (p *Program) parse(args []string) (*Options, error) {
	var o Options
	flags := cli.Flags(p.Name)
	var all, every bool
	var limit int
	var server, delay string
	for _, name := range []string{"a", "all"} {
		flags.BoolVar(&all, name, false, "")
	}
	for _, name := range []string{"e", "every"} {
		flags.BoolVar(&every, name, false, "")
	}
	for _, name := range []string{"l", "limit"} {
		flags.IntVar(&limit, name, 0, "")
	}
	for _, name := range []string{"m", "max_req"} {
		flags.IntVar(&o.MaxReq, name, p.MaxReq, "")
	}
	for _, name := range []string{"s", "server"} {
		flags.StringVar(&server, name, "", "")
	}
	for _, name := range []string{"v", "verbose"} {
		flags.BoolVar(&o.Verbose, name, false, "")
	}
	flags.StringVar(&o.Folder, "o", "downloaded", "")
	flags.DurationVar(&o.Timeout, "timeout", 10*time.Second, "")
	flags.BoolVar(&o.JSON, "json", false, "")
	flags.StringVar(&delay, "delay", "100ms-1s", "")
	flags.Float64Var(&o.Mood.ErrorRate, "error-rate", 0, "")
	flags.Uint64Var(&o.Mood.Seed, "seed", 1, "")
	flags.BoolVar(&o.Virtual, "virtual", false, "")
	words, err := cli.Parse(flags, args)
	if err != nil {
		return nil, err
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	switch {
	case given["l"] && limit < 1 || given["limit"] && limit < 1:
		return nil, fmt.Errorf("-l is %d; it must be at least 1", limit)
	case (o.MaxReq < 1 && (p.MaxReq > 0 || given["m"] ||
		given["max_req"])) || o.MaxReq > mostAtOnce:
		return nil, fmt.Errorf("-m is %d; it must be from 1 to %d", o.MaxReq, mostAtOnce)
	case o.Timeout <= 0:
		return nil, fmt.Errorf("-timeout is %v; it must be more than 0", o.Timeout)
	case !(o.Mood.ErrorRate >= 0 && o.Mood.ErrorRate <= 1):
		return nil, fmt.Errorf("-error-rate is %v; it must be from 0 to 1", o.Mood.ErrorRate)
	case all && every:
		return nil, fmt.Errorf("-a and -e exclude each other")
	case (all || every) && len(words) > 0:
		return nil, fmt.Errorf("%q is too much beside -a or -e", words[0])
	case server != "" && o.Virtual:
		return nil, fmt.Errorf("-s and -virtual exclude each other")
	}
	if o.Mood.MinDelay, o.Mood.MaxDelay, err = slowserver.ParseDelay(delay); err != nil {
		return nil, fmt.Errorf("-delay: %w", err)
	}
	if o.Mood.Seed == 0 {
		o.Mood.Seed = rand.Uint64()
	}
	if server != "" {
		if o.Server, err = parseServer(server); err != nil {
			return nil, fmt.Errorf("-s: %w", err)
		}
	}
	if o.Codes, err = codes(all, every, words); err != nil {
		return nil, err
	}
	if limit > 0 {
		o.Codes = o.Codes[:min(limit, len(o.Codes))]
	}
	if o.MaxReq == 0 {
		o.MaxReq = len(o.Codes)
	}
	return &o, nil
}

func parseServer(text string) (*url.URL, error) {
	u, err := cli.WebURL(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no address of a server; write it as in http://127.0.0.1:8001",
			cli.ShownURL(text))
	}
	u.Path = strings.TrimRight(u.Path, "/")
	return u, nil
}

// codes returns the codes that were asked for, in order and each once.
func codes(all, every bool, words []string) ([]string, error) {
	var list []string
	switch {
	case every:
		for c := 'A'; c <= 'Z'; c++ {
			list = append(list, from(c)...)
		}
	case all:
		for _, c := range flagart.All() {
			list = append(list, c.Code)
		}
	case len(words) == 0:
		list = strings.Fields(popular)
	}
	for _, word := range words {
		cc := strings.ToUpper(word)
		isLetters := strings.Trim(cc, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
		switch {
		case isLetters && len(cc) == 1:
			list = append(list, from(rune(cc[0]))...)
		case isLetters && len(cc) == 2:
			list = append(list, cc)
		default:
			return nil, fmt.Errorf("%q is no code of a country; write A to Z, or AA to ZZ", word)
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}

// from returns the codes that begin with a letter.
func from(first rune) []string {
	var list []string
	for c := 'A'; c <= 'Z'; c++ {
		list = append(list, string([]rune{first, c}))
	}
	return list
}
