//go:build !unix

package aiofile

import "errors"

var errInvalid = errors.New("aiofile: invalid")
