package sys

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/aio-go/aio/internal/errtree"
)

// ofWindows is an error of package net as Windows gives it.
func ofWindows(number syscall.Errno) error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("wsarecv", number)}
}

func TestAnErrorOfWindowsIsKnownByTheNamesOfOtherSystems(t *testing.T) {
	for number, names := range map[syscall.Errno][]error{
		10013: {syscall.EACCES, fs.ErrPermission},
		10048: {syscall.EADDRINUSE},
		10053: {syscall.ECONNABORTED, syscall.ECONNRESET},
		10054: {syscall.ECONNRESET},
		10058: {syscall.ESHUTDOWN, syscall.EPIPE},
		10061: {syscall.ECONNREFUSED},
		1225:  {syscall.ECONNREFUSED},
		232:   {syscall.EPIPE},
	} {
		was := ofWindows(number)
		got := translate(was, translation)
		for _, name := range append(names, number) {
			if !errors.Is(got, name) {
				t.Errorf("%d: errors.Is(err, %v) is false", number, name)
			}
		}
		if errors.Is(got, syscall.ENOENT) {
			t.Errorf("%d: matches ENOENT", number)
		}
		if got.Error() != was.Error() {
			t.Errorf("%d: the text became %q", number, got)
		}
		if _, ok := got.(*net.OpError); !ok {
			t.Errorf("%d: no *net.OpError any more", number)
		}
		if _, ok := got.(net.Error); !ok {
			t.Errorf("%d: no net.Error any more", number)
		}
		if translate(got, translation) != got {
			t.Errorf("%d: was translated twice", number)
		}
	}
}

func TestADatagramThatNobodyTookIsRefusedNotReset(t *testing.T) {
	err := translate(ofWindows(10054), ofDatagrams)
	if !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("got %v", err)
	}
	if err := translate(ofWindows(10048), ofDatagrams); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("got %v", err)
	}
}

// twisted is an error of a user that turns on its callers and wraps itself.
type twisted struct{}

func (e *twisted) Error() string   { return "twisted" }
func (e *twisted) Unwrap() error   { return e }
func (e *twisted) As(any) bool     { panic("As") }
func (e *twisted) Is(error) bool   { panic("Is") }
func (e *twisted) Timeout() bool   { panic("Timeout") }
func (e *twisted) Temporary() bool { panic("Temporary") }

func TestAnErrorOfAUserIsTranslatedWithCare(t *testing.T) {
	for _, err := range []error{&twisted{}, &net.OpError{Op: "read", Err: &twisted{}}} {
		if got := translate(err, translation); got != err {
			t.Errorf("%T became %T", err, got)
		}
	}
	both := errors.Join(syscall.Errno(10054), &twisted{})
	got := translate(both, translation)
	if !errtree.Is(got, syscall.ECONNRESET) {
		t.Error("what is beside it has no name")
	}
	if e := got.(passing); e.Timeout() || e.Temporary() {
		t.Error("it is a time-out")
	}
}

func TestOtherErrorsComeBackAsTheyAre(t *testing.T) {
	for _, err := range []error{nil, io.EOF, net.ErrClosed, os.ErrDeadlineExceeded, ofWindows(10999),
		&net.OpError{Op: "read", Err: net.ErrClosed}} {
		if got := translate(err, translation); got != err {
			t.Errorf("%v became %v", err, got)
		}
		if got := Error(err); got != err {
			t.Errorf("Error: %v became %v", err, got)
		}
	}
}
