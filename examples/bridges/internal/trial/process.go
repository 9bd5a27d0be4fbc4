//go:build unix

package trial

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Process is a server in a process of its own, which can be killed and started again.
type Process struct {
	t     testing.TB
	dir   string
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
	path, err := exec.LookPath(args[0])
	if err != nil {
		if path = filepath.Join("/usr/sbin", args[0]); !exists(path) {
			t.Skipf("there is no %s on this machine; .ci/run tools installs it where it can", args[0])
		}
	}
	p := &Process{t: t, dir: dir, args: append([]string{path}, args[1:]...), ready: ready}
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
	log, err := os.Create(filepath.Join(p.dir, "log"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command("/bin/sh", append([]string{"-c",
		`(cat <&3 >/dev/null; kill -9 0) & exec "$0" "$@" 3<&-`}, p.args...)...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = p.dir, log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	end, leash, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.ExtraFiles, p.leash = []*os.File{end}, leash
	err = p.cmd.Start()
	end.Close()
	if err != nil {
		p.t.Fatal(err)
	}
	p.ended = make(chan struct{})
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if err = p.ready(); err == nil {
			return
		}
		select {
		case <-p.ended:
		default:
			if time.Now().Before(deadline) {
				continue
			}
		}
		text, _ := os.ReadFile(log.Name())
		p.Kill()
		p.t.Fatalf("%s does not start: %v\n%s", p.args[0], err, text)
	}
}

// Kill ends the server in the middle of its work.
func (p *Process) Kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	p.leash.Close()
	<-p.ended
}
