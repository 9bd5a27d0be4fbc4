package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/distributed"
	"github.com/aio-go/aio/executor"
)

var fails = executor.Register("fails", func(ctx context.Context, text string) (int, error) {
	return 0, errors.New(text)
})

// withJobs calls fn with a broker that has two dead jobs, one that waits and one that is not due.
func withJobs(t *testing.T, fn func(ctx context.Context, url string, c *distributed.Client) error) {
	t.Helper()
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		c, err := distributed.Open(ctx, distributed.Embedded(t.TempDir()).Listen("127.0.0.1:0", "sesame"),
			distributed.Namespace("shop"), distributed.Attempts(1))
		if err != nil {
			return err
		}
		defer c.Close()
		err = aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			work := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
			for _, text := range []string{"first\n\x1b[31m", "second"} {
				h, err := distributed.Submit(ctx, c, fails, text)
				if err != nil {
					return err
				}
				if _, err := h.Await(ctx); err == nil {
					t.Error("the job is done")
				}
			}
			work.Cancel(nil)
			return nil
		})
		if err != nil {
			return err
		}
		for running := 1; running > 0; { // the acknowledgements are under way
			s, err := c.Stats(ctx)
			if err != nil {
				return err
			}
			running = s.Running
		}
		if _, err := distributed.Submit(ctx, c, fails, "waits", distributed.At(distributed.High)); err != nil {
			return err
		}
		later := distributed.NotBefore(time.Now().Add(time.Hour))
		if _, err := distributed.Submit(ctx, c, fails, "later", later); err != nil {
			return err
		}
		return fn(ctx, strings.Replace(c.URL(), "nats://", "nats://sesame@", 1), c)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// beside runs the program on another goroutine, since it has a loop of its own.
func beside(ctx context.Context, args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	code, _ = aio.ToThread(ctx, func(ctx context.Context) (int, error) {
		return run(ctx, args, &o, &e), nil
	})
	return code, o.String(), e.String()
}

func TestJobsCountsListsAndRetriesWhatABrokerHas(t *testing.T) {
	withJobs(t, func(ctx context.Context, url string, c *distributed.Client) error {
		at := []string{"-nats", url, "-namespace", "shop"}
		jobs := func(args ...string) (int, string, string) {
			return beside(ctx, append(append([]string{"jobs"}, args...), at...)...)
		}
		code, out, errs := jobs()
		want := "waiting    1  high 1, normal 0, low 0\n" +
			"running    0  or waiting for another attempt\n" +
			"  retried  0\n" +
			"not due    1\n" +
			"dead       2\n"
		if code != ok || out != want || errs != "" {
			t.Errorf("%d\n%s%s", code, out, errs)
		}
		code, out, _ = jobs("-json")
		var counts struct {
			Namespace string
			Waiting   map[string]int
			Dead      int
		}
		if err := json.Unmarshal([]byte(out), &counts); code != ok || err != nil || counts.Dead != 2 ||
			counts.Waiting["high"] != 1 || counts.Namespace != "shop" {
			t.Errorf("%d, %v: %s", code, err, out)
		}
		code, out, _ = jobs("dead")
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != ok || len(lines) != 3 || !strings.HasPrefix(lines[0], "ID") ||
			!strings.Contains(lines[2], "second") || strings.Contains(out, "\x1b") {
			t.Errorf("%d\n%s", code, out)
		}
		id := strings.Fields(lines[1])[0]
		if code, out, _ = jobs("retry", id); code != ok || out != "1 given its attempts again\n" {
			t.Errorf("retry: %d, %s", code, out)
		}
		if code, _, errs = jobs("retry", id); code != missing || !strings.Contains(errs, "no dead job") {
			t.Errorf("again: %d, %s", code, errs)
		}
		if code, out, _ = jobs("drop", "all", "-json"); code != ok || out != "{\"jobs\":1}\n" {
			t.Errorf("drop: %d, %s", code, out)
		}
		s, err := c.Stats(ctx)
		if err != nil {
			return err
		}
		if s.Dead != 0 || s.Waiting[distributed.Normal] != 1 || s.Waiting[distributed.High] != 1 {
			t.Errorf("%+v", s)
		}
		return nil
	})
}

func TestJobsWatchEndsInOrderWhenItIsInterrupted(t *testing.T) {
	withJobs(t, func(ctx context.Context, url string, c *distributed.Client) error {
		out := &lines{seen: make(chan struct{})}
		watching, interrupt := context.WithCancel(context.Background())
		code := make(chan int, 1)
		go func() {
			code <- run(watching, []string{"jobs", "watch", "-json", "-nats", url, "-namespace", "shop"}, out, out)
		}()
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			again := g.Go(func(ctx context.Context) error { // until the watcher has subscribed
				for {
					work := g.Go(func(ctx context.Context) error { return distributed.Work(ctx, c) })
					if err := aio.Sleep(ctx, 20*time.Millisecond); err != nil {
						return err
					}
					work.Cancel(nil)
				}
			})
			_, _, err := aio.Recv(ctx, out.seen)
			again.Cancel(nil)
			interrupt()
			got, _, e := aio.Recv(ctx, code)
			if got != ok || !strings.Contains(out.text.String(), `"Worker":"`) {
				t.Errorf("%d, %s", got, out.text.String())
			}
			g.Cancel(nil)
			return errors.Join(err, e)
		})
	})
}

// lines says when something was written.
type lines struct {
	text bytes.Buffer
	seen chan struct{}
}

func (l *lines) Write(p []byte) (int, error) {
	if l.text.Len() == 0 {
		close(l.seen)
	}
	return l.text.Write(p)
}

func TestJobsSaysWhatIsWrong(t *testing.T) {
	withJobs(t, func(ctx context.Context, url string, c *distributed.Client) error {
		for _, c := range []struct {
			args []string
			code int
			text string
		}{
			{[]string{"jobs", "-nats", "nats://secret@127.0.0.1:1"}, failed, "no servers available"},
			{[]string{"jobs", "-nats", strings.Replace(url, "sesame", "wrong", 1)}, failed, "Authorization"},
			{[]string{"jobs", "-nats", url, "-namespace", "none"}, failed, `no namespace "none"`},
			{[]string{"jobs", "-nats", url, "-namespace", "a b"}, misused, "letters, digits"},
			{[]string{"jobs", "bury"}, misused, "jobs takes dead"},
			{[]string{"jobs", "retry"}, misused, "jobs takes dead"},
			{[]string{"jobs", "watch", "x"}, misused, "jobs takes dead"},
		} {
			code, out, errs := beside(ctx, c.args...)
			if code != c.code || out != "" || !strings.Contains(errs, c.text) ||
				strings.Count(errs, "\n") != 1 || strings.Contains(errs, "secret") ||
				strings.Contains(errs, "wrong@") {
				t.Errorf("%v: %d, %q, %q", c.args, code, out, errs)
			}
		}
		return nil
	})
}
