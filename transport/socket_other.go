//go:build !linux

package transport

import "errors"

func openSocket(string) (socketCalls, error) { return nil, errors.ErrUnsupported }

func socketOf(uintptr) (socketCalls, string, error) { return nil, "", errors.ErrUnsupported }
