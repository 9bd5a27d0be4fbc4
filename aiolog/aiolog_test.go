package aiolog_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiolog"
	"github.com/aio-go/aio/internal/looptest"
)

func TestMain(m *testing.M) { looptest.Main(m) }

// plain leaves out what differs from run to run.
func plain(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey || a.Key == "loop" {
		return slog.Attr{}
	}
	return a
}

func ExampleNewHandler() {
	text := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: plain})
	log := slog.New(aiolog.NewHandler(text))

	_ = aio.Run(context.Background(), func(ctx context.Context) error {
		return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
			g.Go(func(ctx context.Context) error {
				log.InfoContext(ctx, "fetched", "bytes", 512)
				return nil
			}, aio.Name("fetch"))
			return nil
		})
	})
	// Output:
	// level=INFO msg=fetched bytes=512 aio.task=fetch aio.id=2
}

func logger(out *bytes.Buffer) *slog.Logger {
	return slog.New(aiolog.NewHandler(slog.NewTextHandler(out, &slog.HandlerOptions{ReplaceAttr: plain})))
}

func TestTheTaskIsThatOfTheContext(t *testing.T) {
	var out bytes.Buffer
	log := logger(&out)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		log.InfoContext(ctx, "main")
		log.Info("without a context")
		if err := aio.Blocking(ctx, func(ctx context.Context) error {
			log.InfoContext(ctx, "on a thread")
			return nil
		}); err != nil {
			return err
		}
		loop := aio.RunningLoop(ctx)
		loop.CallSoon(func() { log.InfoContext(loop.Context(), "a callback") })
		if err := aio.Yield(ctx); err != nil {
			return err
		}
		_, err := aio.Start(ctx, func(ctx context.Context) error {
			return aio.Group(ctx, func(ctx context.Context, g *aio.TaskGroup) error {
				log.InfoContext(ctx, "in a block")
				return nil
			})
		}, aio.Name("worker")).Await(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := "level=INFO msg=main aio.task=main aio.id=1\n" +
		"level=INFO msg=\"without a context\"\n" +
		"level=INFO msg=\"on a thread\" aio.task=main aio.id=1\n" +
		"level=INFO msg=\"a callback\"\n" +
		"level=INFO msg=\"in a block\" aio.task=worker aio.id=2\n"
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", &out, want)
	}
}

func TestTheGroupOfTheTaskIsInsideOfNoOtherGroup(t *testing.T) {
	var out bytes.Buffer
	log := logger(&out)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		log.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h").InfoContext(ctx, "text", "c", 3)
		log.WithGroup("").With().InfoContext(ctx, "nothing added")
		one := log.WithGroup("one")
		one.With("x", 1).InfoContext(ctx, "first")
		one.With("x", 2).InfoContext(ctx, "second")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	log.WithGroup("g").InfoContext(t.Context(), "outside", "c", 3)
	want := []string{
		"level=INFO msg=text a=1 aio.task=main aio.id=1 g.b=2 g.h.c=3",
		"level=INFO msg=\"nothing added\" aio.task=main aio.id=1",
		"level=INFO msg=first aio.task=main aio.id=1 one.x=1",
		"level=INFO msg=second aio.task=main aio.id=1 one.x=2",
		"level=INFO msg=outside g.c=3",
	}
	if got := strings.TrimSpace(out.String()); got != strings.Join(want, "\n") {
		t.Errorf("%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

func TestTheNumberOfTheLoopIsThatOfTheCommand(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(aiolog.NewHandler(slog.NewJSONHandler(&out, nil)))
	if err := aio.Run(t.Context(), func(ctx context.Context) error {
		log.InfoContext(ctx, "text")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), `"loop":`) || strings.Contains(out.String(), `"loop":0`) {
		t.Error(out.String())
	}
}

func TestAHandlerThatIsNilIsRefused(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.HasPrefix(text, "aio: aiolog.NewHandler: the handler is nil; ") {
			t.Errorf("panic %q", text)
		}
	}()
	aiolog.NewHandler(nil)
}
