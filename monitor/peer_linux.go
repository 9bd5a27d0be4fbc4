package monitor

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// identify returns who is at the other end, and an error if that one may not ask: another user than
// the process's, and not root.
func identify(c net.Conn) (who string, err error) {
	u, ok := c.(*net.UnixConn)
	if !ok {
		return c.RemoteAddr().String(), nil
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return "", err
	}
	var peer *syscall.Ucred
	if e := raw.Control(func(fd uintptr) {
		peer, err = syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED)
	}); e != nil {
		return "", e
	}
	if err != nil {
		return "", err
	}
	if uid := int(peer.Uid); uid != 0 && uid != os.Geteuid() {
		return "", fmt.Errorf("user %d may not ask a process of user %d", uid, os.Geteuid())
	}
	return fmt.Sprintf("user %d, process %d", peer.Uid, peer.Pid), nil
}
