package aiotest_test

import (
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiotest"
)

var update = flag.Bool("update", false, "write the pictures of testdata")

// asked is a world in which app asks db, and log gets datagrams.
func asked(ctx context.Context, t *aiotest.T) error {
	w := aiotest.NewWorld(ctx, t, aiotest.Faults{Resets: 1})
	w.SetLink(aiotest.Link{Latency: 10 * time.Millisecond})
	w.Host("db").Boot(func(ctx context.Context) error {
		return lines(ctx, func(line string) string { return "<" + line + ">\n" })
	})
	ctx = w.Host("app").Context(ctx)
	if err := aio.Sleep(ctx, time.Second); err != nil {
		return err
	}
	log, err := openPost(w.Host("log").Context(ctx), 53)
	if err != nil {
		return err
	}
	defer log.t.Close()
	out, err := openPost(ctx, 53)
	if err != nil {
		return err
	}
	defer out.t.Close()
	if err := out.send(ctx, "log", "\x01\x02\x03"); err != nil {
		return err
	}
	if _, err := insist(ctx, "db", "a question that is too long for the column", time.Hour); err != nil {
		return err
	}
	if aio.RunningLoop(ctx).Time().Second() > 1 {
		return errors.New("it took too long")
	}
	return nil
}

const wantDiagram = `  time       app                        log                        db
  1s         |--------- 3 bytes ------->|                          |
  1.02s      |--- "a question that is too long for the colu"... -->|
  1.03s      |<-- "<a question that is too long for the col"... ---|
> 1.03s      |                          |                          |  the connection` +
	` from db to app (app#1) is reset after 0 of the next 45 bytes
  2.06s      |--- "a question that is too long for the colu"... -->|
  2.07s      |<-- "<a question that is too long for the col"... ---|
! 2.08s      |                          |                          |  error: it took too long
`

func TestTheMessagesBetweenHostsAreDrawn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "diagram.svg")
	t.Setenv("AIO_DIAGRAM", file)
	r := explore(t, asked, aiotest.DocumentedOrder())
	if len(r.errors) != 1 {
		t.Fatalf("there are %d failures", len(r.errors))
	}
	_, got, _ := strings.Cut(r.errors[0], "The messages:\n")
	got, _, _ = strings.Cut(got, "Level:")
	if got != wantDiagram {
		t.Errorf("it is\n%s\nwant\n%s", got, wantDiagram)
	}
	svg, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(svg))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("it is no XML: %v", err)
		}
	}
	if *update {
		err = os.WriteFile("testdata/diagram.svg", svg, 0o644)
	}
	want, readErr := os.ReadFile("testdata/diagram.svg")
	if err = errors.Join(err, readErr); err != nil || string(want) != string(svg) {
		t.Errorf("%v; it is\n%s", err, svg)
	}
}

func TestALongDiagramKeepsItsFaults(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		w.Host("db").Boot(func(ctx context.Context) error {
			return lines(ctx, func(line string) string { return line + "\n" })
		})
		ctx = w.Host("app").Context(ctx)
		for n := range 100 {
			if n == 50 {
				w.Host("db").SetClock(time.Second, 0)
			}
			if _, err := insist(ctx, "db", "hello", time.Hour); err != nil {
				return err
			}
		}
		return errors.New("it is over")
	}, aiotest.DocumentedOrder())
	_, got, _ := strings.Cut(strings.Join(r.errors, ""), "The messages:\n")
	got, _, _ = strings.Cut(got, "Level:")
	if n := strings.Count(got, "\n"); n != 43 || !strings.Contains(got, "... 161 rows ...") {
		t.Errorf("%d rows:\n%s", n, got)
	}
	if !strings.Contains(got, "|  the clock of db is 1s ahead\n") {
		t.Errorf("the fault is left out:\n%s", got)
	}
}

func TestTheStoryOfAWorldHasHostsMessagesAndTheLinesOfTheProgram(t *testing.T) {
	r := explore(t, asked, aiotest.DocumentedOrder())
	_, got, _ := strings.Cut(strings.Join(r.errors, ""), "The steps")
	got, _, _ = strings.Cut(got, "The messages:\n")
	for _, want := range []string{
		" (> marks a departure or a fault; steps of the network itself are left out):\n",
		"\n       app to log: 3 bytes\n",
		"\n       app to db: \"a question that is too long for the colu\"...\n",
		" stream handler for app#1 on db goes on after Reader.ReadLine; ",
		"; waits in Reader.ReadLine for Reader of db:80 at ",
		"\n>      world: the connection from db to app (app#1) is reset ",
		"_test.go:",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q", want)
		}
	}
	for _, strange := range []string{"10.0.", "timer ", "callback ", "event ", "limit 65536"} {
		if strings.Contains(got, strange) {
			t.Errorf("there is %q", strange)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

func TestAMessageWithALengthBeforeItsTextIsQuoted(t *testing.T) {
	r := explore(t, func(ctx context.Context, t *aiotest.T) error {
		w := aiotest.NewWorld(ctx, t, aiotest.Faults{})
		out, err := openPost(w.Host("app").Context(ctx), 53)
		if err != nil {
			return err
		}
		defer out.t.Close()
		log, err := openPost(w.Host("log").Context(ctx), 53)
		if err != nil {
			return err
		}
		defer log.t.Close()
		if err := out.send(w.Host("app").Context(ctx), "log", "\x00\x00\x00\x05hello"); err != nil {
			return err
		}
		return errors.New("it is over")
	})
	if got := strings.Join(r.errors, ""); !strings.Contains(got, `app to log: "\x00\x00\x00\x05hello"`) {
		t.Error(got)
	}
}
