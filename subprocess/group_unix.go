//go:build unix

package subprocess

import "syscall"

// hasGroups says whether the system has process groups.
const hasGroups = true

const sigCont = syscall.SIGCONT

// killGroup sends to all processes of a group; signal 0 only asks whether there are any.
func killGroup(leader int, sig syscall.Signal) error {
	if leader <= 1 { // which would mean all processes
		panic("subprocess: no process group")
	}
	return syscall.Kill(-leader, sig)
}

// hasNumber reports whether some process has this number.
func hasNumber(pid int) bool { return syscall.Kill(pid, 0) != syscall.ESRCH }

// attributes returns the attributes of the child for the system, and whether the child will lead a
// process group.
func (c *Cmd) attributes() (attr *syscall.SysProcAttr, leads bool, err error) {
	attr = &syscall.SysProcAttr{}
	if c.SysProcAttr != nil {
		*attr = *c.SysProcAttr
	}
	switch {
	case attr.Setsid || (attr.Setpgid || attr.Foreground) && attr.Pgid == 0:
		return attr, true, nil
	case attr.Setpgid || attr.Foreground:
		return attr, false, nil
	case c.NewSession:
		attr.Setsid = true
	case c.SameGroup:
		return attr, false, nil
	default:
		attr.Setpgid = true
	}
	return attr, true, nil
}
