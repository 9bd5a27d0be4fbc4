package subprocess

import (
	"fmt"
	"io/fs"
	"os/exec"
	"testing"
)

// twisted is an error of a user that turns on its callers and wraps itself.
type twisted struct{}

func (e *twisted) Error() string { return "twisted" }
func (e *twisted) Unwrap() error { return e }
func (e *twisted) Is(error) bool { panic("Is") }

func TestAStartErrorAsksItsReasonWithCare(t *testing.T) {
	if e := (&StartError{Name: "x", Err: &twisted{}}); e.Is(fs.ErrNotExist) {
		t.Error("the program is said to be missing")
	}
	missing := fmt.Errorf("x: %w", exec.ErrNotFound)
	if e := (&StartError{Name: "x", Err: missing}); !e.Is(fs.ErrNotExist) {
		t.Error("the program is not said to be missing")
	}
}
