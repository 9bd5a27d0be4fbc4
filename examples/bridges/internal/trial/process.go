//go:build unix

package trial

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Process is a server in a process of its own, which can be killed and started again.
type Process struct {
	t     testing.TB
	dir   string
	as    *syscall.Credential // nil: like the test
	args  []string
	ready func() error
	cmd   *exec.Cmd
	ended chan struct{}
	leash *os.File // while it is open the server lives: if the test dies, it does not stay behind
}

// Start starts a server and returns when ready returns nil. It skips the test where there is no
// such program. The server is killed at the end of the test.
func Start(t testing.TB, dir string, ready func() error, args ...string) *Process {
	t.Helper()
	return StartAs(t, dir, nil, ready, args...)
}

// StartAs is Start for a server that runs as another user.
func StartAs(
	t testing.TB, dir string, as *syscall.Credential, ready func() error, args ...string,
) *Process {
	t.Helper()
	path, err := exec.LookPath(args[0])
	if err != nil {
		if path = filepath.Join("/usr/sbin", args[0]); !exists(path) {
			t.Skipf(
				"there is no %s on this machine; .ci/run tools installs it where it can",
				args[0],
			)
		}
	}
	p := &Process{t: t, dir: dir, as: as, args: append([]string{path}, args[1:]...), ready: ready}
	p.Restart()
	t.Cleanup(p.Kill)
	return p
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Restart starts the server, also after it was killed, and returns when it answers.
func (p *Process) Restart() {
	p.launch()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		err := p.ready()
		if err == nil {
			return
		}
		select {
		case <-p.ended: // perhaps because of what the one before has left: it is tried again
			if p.leash.Close(); time.Now().Before(deadline) {
				p.launch()
				continue
			}
		default:
			if time.Now().Before(deadline) {
				continue
			}
		}
		text, _ := os.ReadFile(filepath.Join(p.dir, "log"))
		p.Kill()
		p.t.Fatalf("%s does not start: %v\n%s", p.args[0], err, text)
	}
}

func (p *Process) launch() {
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c",
		`(cat <&3 >/dev/null; kill -9 0) & exec "$0" "$@" 3<&-`}, p.args...)...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.as}
	end, leash, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd.ExtraFiles, p.leash = []*os.File{end}, leash
	err = cmd.Start()
	end.Close()
	if err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	p.cmd, p.ended = cmd, ended
	go func() {
		cmd.Wait()
		close(ended)
	}()
}

// Kill ends the server and all its processes in the middle of their work, also those that lead
// sessions of their own.
func (p *Process) Kill() {
	pid := p.cmd.Process.Pid
	select {
	case <-p.ended:
		return
	default:
	}
	syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no more of them
	for _, child := range childrenOf(pid) {
		syscall.Kill(child, syscall.SIGKILL)
	}
	syscall.Kill(-pid, syscall.SIGKILL)
	p.leash.Close()
	<-p.ended
}

// childrenOf returns the processes that a process has started, none where that cannot be known.
func childrenOf(pid int) (children []int) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	for field := range strings.FieldsSeq(string(text)) {
		if child, err := strconv.Atoi(field); err == nil {
			children = append(children, child)
		}
	}
	return children
}
