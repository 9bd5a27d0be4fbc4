//go:build !unix

package aiowebsocket_test

import "os/exec"

func ownGroup(*exec.Cmd)      {}
func killGroup(cmd *exec.Cmd) { cmd.Process.Kill() }
