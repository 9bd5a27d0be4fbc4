package flagkit

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { clitest.Main(m, nil) }

// simple is a program that downloads what it is asked for at the same time.
var simple = Program{
	Name:   "simple",
	About:  "Simple downloads.",
	MaxReq: 7,
	Download: func(ctx context.Context, job *Job) error {
		_, err := aio.Map(ctx, job.Results, func(ctx context.Context, r *Result) (aio.None, error) {
			return aio.None{}, job.Do(ctx, r,
				func(ctx context.Context, job *Job, r *Result) (string, error) {
					cc := strings.ToLower(r.Code)
					data, err := job.Get(ctx, r, cc+"/"+cc+".gif")
					if err != nil {
						return "", err
					}
					return r.Code + ".gif", job.Save(ctx, r.Code+".gif", data)
				})
		}, aio.Limit(job.MaxReq))
		return err
	},
}

func TestTheCodesThatAreAskedFor(t *testing.T) {
	count := func(n int, first, last string) func([]string) bool {
		return func(codes []string) bool {
			return len(codes) == n && codes[0] == first && codes[n-1] == last && slices.IsSorted(codes)
		}
	}
	for args, fits := range map[string]func([]string) bool{
		"":              count(20, "BD", "VN"),
		"-l 3":          count(3, "BD", "CD"),
		"-a":            count(249, "AD", "ZW"),
		"-all -l 200":   count(200, "AD", "SI"),
		"-e":            count(676, "AA", "ZZ"),
		"--every -l 27": count(27, "AA", "BA"),
		"fr DE fr":      count(2, "DE", "FR"),
		"B":             count(26, "BA", "BZ"),
		"-l 30 x a":     count(30, "AA", "XD"),
		"a AQ":          count(26, "AA", "AZ"),
		"-limit 1 zz":   count(1, "ZZ", "ZZ"),
		"-l 1000 de":    count(1, "DE", "DE"),
	} {
		o, err := simple.parse(strings.Fields(args))
		if err != nil || !fits(o.Codes) {
			t.Errorf("%q: %v, %v", args, o, err)
		}
	}
}

func TestTheOtherFlagsOfTheCommandLine(t *testing.T) {
	o, err := simple.parse(strings.Fields("-v -m 3 -s http://127.0.0.1:8001/flags/ -o there " +
		"-timeout 2s -json -delay 1s-2s -error-rate .5 -seed 9"))
	if err != nil {
		t.Fatal(err)
	}
	if !o.Verbose || o.MaxReq != 3 || o.Server.String() != "http://127.0.0.1:8001/flags" ||
		o.Folder != "there" || o.Timeout != 2*time.Second || !o.JSON ||
		o.Mood.MinDelay != time.Second || o.Mood.MaxDelay != 2*time.Second || o.Mood.ErrorRate != 0.5 ||
		o.Mood.Seed != 9 || o.Virtual {
		t.Errorf("%+v", o)
	}
	if o, err = simple.parse([]string{"-verbose", "-max_req", "8", "-virtual"}); err != nil ||
		!o.Verbose || o.MaxReq != 8 || !o.Virtual {
		t.Errorf("%+v, %v", o, err)
	}
	unlimited := simple
	unlimited.MaxReq = 0
	if o, err = unlimited.parse([]string{"-l", "4"}); err != nil || o.MaxReq != 4 {
		t.Errorf("without a limit: %+v, %v", o, err)
	}
	if o, err = unlimited.parse([]string{"-m", "0"}); err == nil {
		t.Errorf("-m 0: %+v", o)
	}
}

func TestMistakesInTheCommandLineAreExplained(t *testing.T) {
	for args, want := range map[string]string{
		"-x":                            "flag provided but not defined: -x",
		"DEU":                           `"DEU" is no code of a country; write A to Z, or AA to ZZ`,
		"D1":                            `"D1" is no code of a country; write A to Z, or AA to ZZ`,
		"Ä":                             `"Ä" is no code of a country; write A to Z, or AA to ZZ`,
		"-l 0":                          "-l is 0; it must be at least 1",
		"-m 0":                          "-m is 0; it must be from 1 to 1000",
		"-m 1001":                       "-m is 1001; it must be from 1 to 1000",
		"-timeout 0s":                   "-timeout is 0s; it must be more than 0",
		"-error-rate 2":                 "-error-rate is 2; it must be from 0 to 1",
		"-delay soon":                   `-delay: "soon" is no range of delays; write it as in 500ms-5s`,
		"-a -e":                         "-a and -e exclude each other",
		"-a de":                         `"de" is too much beside -a or -e`,
		"-s 127.0.0.1:99999":            `-s: "127.0.0.1:99999" is no address of a server; write it as in http://127.0.0.1:8001`,
		"-s ftp://localhost":            `-s: "ftp://localhost" is no address of a server; write it as in http://127.0.0.1:8001`,
		"-s ftp://x":                    `-s: "ftp://x" is no address of a server; write it as in http://127.0.0.1:8001`,
		"-s http://127.0.0.1 -virtual":  "-s and -virtual exclude each other",
		"-o f -virtual -seed -1 -m 1 a": `invalid value "-1" for flag -seed: parse error`,
	} {
		got := clitest.Program(simple.Run).Run(t.Context(), strings.Fields(args)...)
		if got.Code != cli.BadUsage || got.Out != "" ||
			got.Err != "simple: "+want+"\nTry simple -help.\n" {
			t.Errorf("%q: %+v, want %s", args, got, want)
		}
	}
	got := clitest.Program(simple.Run).Run(t.Context(), "-help")
	if got.Code != cli.OK || !strings.HasPrefix(got.Out, "Simple downloads.\n") ||
		!strings.Contains(got.Out, "(default 7)") {
		t.Errorf("-help: %+v", got)
	}
	if _, err := simple.parse([]string{"-h"}); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

// account is what -json prints.
type account struct {
	Asked, OK, NotFound, Error, NotDone, AtOnce int
	Seconds                                     float64
	Codes                                       []struct{ Code, Status, File, Error string }
}

func readAccount(t *testing.T, text string) account {
	t.Helper()
	var a account
	keys := strings.NewReplacer("not_found", "NotFound", "not_done", "NotDone", "at_once", "AtOnce")
	if err := json.Unmarshal([]byte(keys.Replace(text)), &a); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return a
}

func TestAServerOfSomebodyElse(t *testing.T) {
	var under, most atomic.Int32
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := under.Add(1)
		defer under.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		switch r.URL.Path {
		case "/f/de/de.gif":
			io.WriteString(w, "black red gold")
		case "/f/fr/fr.gif":
			http.Redirect(w, r, "/f/de/de.gif", http.StatusFound)
		case "/f/it/it.gif":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/f/jp/jp.gif":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "half") // and then the connection ends
		case "/f/us/us.gif":
			<-r.Context().Done() // no answer
		default:
			http.NotFound(w, r)
		}
	}))
	defer site.Close()
	dir := filepath.Join(t.TempDir(), "new", "folder")
	got := clitest.Program(simple.Run).Run(t.Context(), "-s", site.URL+
		"/f", "-o", dir, "-m", "2", "-timeout", "1m", "-json", "de", "fr", "it", "jp", "zz")
	a := readAccount(t, got.Out)
	if got.Code != cli.Failed || got.Err != "" || a.Asked != 5 || a.OK != 2 || a.NotFound != 1 ||
		a.Error != 2 || a.NotDone != 0 || a.AtOnce != 2 || most.Load() > 2 {
		t.Errorf("%+v, %+v, %d at once", got, a, most.Load())
	}
	for i, want := range []struct{ status, err string }{
		{"ok", ""}, {"ok", ""}, {"error", "503 Service Unavailable"}, {"error", ": unexpected EOF"},
		{"not found", "404 Not Found"},
	} {
		if c := a.Codes[i]; c.Status != want.status || !strings.HasSuffix(c.Error, want.err) {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
	late := readAccount(t, clitest.Program(simple.Run).Run(t.Context(), "-s", site.URL+
		"/f", "-o", dir, "-timeout", "20ms", "-json", "us").Out)
	if late.Error != 1 || late.Codes[0].Error != "no answer within 20ms" {
		t.Errorf("%+v", late)
	}
	want := map[string]string{"DE.gif": "black red gold", "FR.gif": "black red gold"}
	if files := readFolder(t, dir); !equal(files, want) {
		t.Errorf("the files are %q, want %q", files, want)
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	addr := looptest.FreeAddress(t)
	got := clitest.Program(simple.Run).Run(t.Context(), "-s", "http://"+
		addr, "-o", t.TempDir(), "de", "fr")
	if got.Code != cli.Failed || !strings.Contains(got.Out, "\n  error        2   DE FR\n") ||
		!strings.Contains(got.Out, "     2 x dial tcp "+addr) {
		t.Errorf("%+v", got)
	}
}

func TestTheFolderCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := clitest.Program(simple.Run).Run(t.Context(), "-o", filepath.Join(file, "x"))
	if got.Code != cli.Failed || got.Out != "" ||
		!strings.HasPrefix(got.Err, "simple: there is no folder for the files: ") {
		t.Errorf("%+v", got)
	}
}

func TestProgressIsShownToThoseWhoWatch(t *testing.T) {
	var bar strings.Builder
	code := simple.Run(t.Context(), []string{"-virtual", "-o", t.TempDir(), "-seed", "3",
		"-error-rate", "0.5"}, cli.Streams{Out: io.Discard, Err: io.Discard, Progress: &bar})
	text := bar.String()
	if code != cli.Failed ||
		!strings.HasPrefix(text, clearLine+"[..............................] 0 of 20, 0 under way") ||
		!strings.Contains(text, " failed") || !strings.Contains(text, " 7 under way") ||
		!strings.HasSuffix(text, clearLine) {
		t.Errorf("exit code %d, %q", code, text)
	}
}

// readFolder returns the files in a folder and what is in them.
func readFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = string(data)
	}
	return files
}

func equal(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || w != v {
			return false
		}
	}
	return true
}
