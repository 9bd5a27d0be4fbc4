//go:build !amd64 && !arm64

package prefetch

// Supported says whether the package does anything on this platform.
const Supported = false

func load4(uintptr) {}

func load10(uintptr) {}
