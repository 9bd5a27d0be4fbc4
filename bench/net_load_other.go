//go:build !linux

package main

import "errors"

// checkNet returns why the suite net cannot run here.
func checkNet() error {
	return errors.New("the suite net needs Linux: its load generator uses epoll and the CPU " +
		"clocks of other processes")
}

func collectOnSignal() {}

func raiseDescriptorLimit() (int, error) { return 0, errors.ErrUnsupported }

func noLoad(loadSpec) (loadResult, error) { return loadResult{}, errors.ErrUnsupported }

var (
	loadEcho    = noLoad
	loadTLS     = noLoad
	loadSparse  = noLoad
	loadConnect = noLoad
	loadIdle    = noLoad

	loadHTTPGreeting = noLoad
	loadHTTPPost     = noLoad
	loadHTTPGet      = noLoad
	loadHTTPClient   = noLoad

	loadWebSocket     = noLoad
	loadWebSocketIdle = noLoad
	loadEvents        = noLoad
)
