//go:build !amd64 && !arm64

package prefetch

func load4(uintptr) {}

func load10(uintptr) {}
