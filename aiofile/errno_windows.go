package aiofile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/aio-go/aio/internal/errtree"
)

var errInvalid = errors.New("aiofile: invalid")

const openFolder = 0

var noFolder []error

func ours(fs.FileInfo) bool { return true }

func joinGroup(*os.File, fs.FileInfo) bool { return true }

// patience is how long to wait for a file that is open elsewhere.
const patience = 2 * time.Second

// rename gives a file another name. Windows refuses that while the file of that name is open, for
// example by a virus scanner, which closes it in a moment.
func rename(from, to string) error {
	return persist(patience, func() error { return os.Rename(from, to) })
}

// persist repeats fn while it fails because a file is in use, for at most d.
func persist(d time.Duration, fn func() error) error {
	const (
		sharingViolation = syscall.Errno(32)
		lockViolation    = syscall.Errno(33)
	)
	end := time.Now().Add(d)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := fn()
		inUse := errtree.Is(err, syscall.ERROR_ACCESS_DENIED) ||
			errtree.Is(err, sharingViolation) ||
			errtree.Is(err, lockViolation)
		if !inUse || time.Now().After(end) {
			return err
		}
		time.Sleep(pause)
	}
}
