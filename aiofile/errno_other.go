//go:build !unix && !windows

package aiofile

import (
	"errors"
	"io/fs"
	"os"
)

var errInvalid = errors.New("aiofile: invalid")

const openFolder = 0

var noFolder []error

func ours(fs.FileInfo) bool { return true }

func joinGroup(*os.File, fs.FileInfo) bool { return true }

func rename(from, to string) error { return os.Rename(from, to) }
