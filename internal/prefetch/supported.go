//go:build amd64 || arm64

package prefetch

// Supported says whether the package does anything on this platform.
const Supported = true

// load4 loads four lines of 64 bytes, beginning at p.
//
//go:noescape
func load4(p uintptr)

// load10 loads ten.
//
//go:noescape
func load10(p uintptr)
