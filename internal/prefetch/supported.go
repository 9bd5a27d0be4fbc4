//go:build amd64 || arm64

package prefetch

// load4 loads four lines of 64 bytes, beginning at p.
func load4(p uintptr)

// load10 loads ten.
func load10(p uintptr)
