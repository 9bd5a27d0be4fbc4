package main

import (
	"context"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
)

// terminal calls seen with what is written to it.
type terminal struct {
	all  strings.Builder
	seen func(text string)
}

func (s *terminal) Write(p []byte) (int, error) {
	s.seen(string(p))
	return s.all.Write(p)
}

func (s *terminal) String() string { return s.all.String() }

// end is the last that was written.
func (s *terminal) end() string { return s.String()[max(0, s.all.Len()-60):] }

func animated(ctx context.Context, s *terminal, width int, args ...string) clitest.Outcome {
	on := screen{out: s, width: width, height: frameHeight, colours: true}
	return clitest.Program(func(ctx context.Context, args []string, std cli.Streams) int {
		return run(ctx, args, std, on)
	}).Run(ctx, args...)
}

func TestTheTerminalIsGivenBackAfterAnAnimation(t *testing.T) {
	s := &terminal{seen: func(string) {}}
	got := animated(t.Context(), s, frameWidth, "-parties", "1", "-speed", "100", "-evening", "short")
	if got.Code != cli.OK || got.Err != "" || !strings.Contains(got.Out, "1 of 1") {
		t.Errorf("%+v", got)
	}
	shown := s.String()
	if !strings.Contains(shown, "The last guests have gone.") {
		t.Error("there is no last picture")
	}
	if !strings.HasPrefix(shown, enterScreen) || !strings.HasSuffix(shown, leaveScreen) ||
		strings.Count(shown, topLeft) < 5 {
		t.Errorf("the screen shows %q", shown)
	}
}

// TestCtrlCGivesTheTerminalBackAlsoWhileTheLoopIsHeld: the loop could not notice for six seconds.
func TestCtrlCGivesTheTerminalBackAlsoWhileTheLoopIsHeld(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context()) // what a signal does
	defer cancel()
	s := &terminal{}
	frames := 0
	s.seen = func(text string) {
		if strings.Contains(text, "watches the dish") {
			cancel()
		}
		if ctx.Err() != nil && strings.HasPrefix(text, topLeft) {
			frames++
		}
	}
	got := animated(ctx, s, frameWidth, "-speed", "4", "-evening", "blocking")
	if got.Code != cli.Interrupted || got.Err != "restaurant: interrupted; the doors are closed\n" ||
		!strings.Contains(got.Out, "0 of 8") {
		t.Errorf("%+v", got)
	}
	if !strings.HasSuffix(s.String(), leaveScreen) {
		t.Errorf("the screen ends with %q", s.end())
	}
	if frames > 6 { // of thirty
		t.Errorf("%d frames after the signal", frames)
	}
}

func TestAPanicGivesTheTerminalBackToo(t *testing.T) {
	s := &terminal{}
	s.seen = func(text string) {
		if strings.Contains(text, "takes the order") {
			panic("the waiter has stumbled")
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("the panic is lost")
		}
		if !strings.HasSuffix(s.String(), leaveScreen) {
			t.Errorf("the screen ends with %q", s.end())
		}
	}()
	animated(t.Context(), s, frameWidth, "-speed", "20")
}

func TestAWindowThatIsTooSmallGetsLines(t *testing.T) {
	s := &terminal{seen: func(string) { t.Error("something is written to the screen") }}
	got := animated(t.Context(), s, 60, "-parties", "1")
	if got.Code != cli.OK || !strings.HasPrefix(got.Err, "restaurant: the window has 60 columns and "+
		"18 lines") || !strings.Contains(got.Out, "party 1 goes home happy") {
		t.Errorf("%+v", got)
	}
}
