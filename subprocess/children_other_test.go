//go:build !unix

package subprocess

func hasChildren() bool { return false }
