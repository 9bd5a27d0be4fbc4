//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiosql"
	"github.com/aio-go/aio/examples/internal/cli"
	"github.com/aio-go/aio/examples/internal/clitest"
	"github.com/aio-go/aio/internal/pgtest"
)

// server is a PostgreSQL server of a test, with its data in a folder of its own. It listens on a
// Unix socket there.
type server struct {
	t     *testing.T
	bin   string
	dir   string
	owner *syscall.Credential // who it runs as, nil: like the test
	cmd   *exec.Cmd
	ended chan struct{} // closed when cmd has ended
	leash *os.File      // while it is open the server lives: if the test dies, it does not stay behind
	banks int
}

// newServer starts a server. It skips the test where there is none.
func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{t: t, bin: pgtest.Find()}
	if s.bin == "" {
		t.Skip("there is no PostgreSQL server on this machine: neither initdb in PATH nor " +
			"/usr/lib/postgresql/*/bin")
	}
	var err error
	// not below the test's own folder: another user has no way in
	if s.dir, err = os.MkdirTemp("", "pg"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	if os.Getuid() == 0 { // for which the server refuses to work
		if s.owner = pgtest.User(); s.owner == nil {
			t.Skip("PostgreSQL does not run as root, and there is no user postgres to run it as")
		}
		if err := os.Chown(s.dir, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			t.Skip("the folder cannot be given to user postgres: ", err)
		}
	}
	init := s.command(filepath.Join(s.bin, "initdb"), "-D", s.data(), "-U", "bank", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := init.CombinedOutput(); err != nil {
		t.Skipf("initdb: %v\n%s", err, out)
	}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) data() string { return filepath.Join(s.dir, "data") }

// command prepares a program for the user of the server, in a process group of its own.
func (s *server) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: s.owner}
	return cmd
}

// start starts the server, also after it was killed, and returns when it answers.
func (s *server) start() {
	s.t.Helper()
	deadline := time.Now().Add(clitest.Patience)
	for {
		log, err := os.Create(filepath.Join(s.dir, "log"))
		if err != nil {
			s.t.Fatal(err)
		}
		// Without fsync it is as safe from the death of processes, and not from that of the
		// machine, which goes on.
		s.cmd = s.command("/bin/sh", "-c", `(cat <&3 >/dev/null; kill -9 0) & exec "$0" "$@" 3<&-`,
			filepath.Join(s.bin, "postgres"),
			"-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=30",
			"-c", "fsync=off")
		s.cmd.Stdout, s.cmd.Stderr = log, log
		end, leash, err := os.Pipe()
		if err != nil {
			s.t.Fatal(err)
		}
		s.cmd.ExtraFiles, s.leash = []*os.File{end}, leash
		err = s.cmd.Start()
		end.Close()
		log.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		ended := make(chan struct{})
		s.ended = ended
		go func(cmd *exec.Cmd) {
			cmd.Wait()
			close(ended)
		}(s.cmd)
		if s.answers() {
			return
		}
		if s.kill(); time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			s.t.Fatalf("PostgreSQL does not start:\n%s", text)
		}
	}
}

// answers waits until the server lets us in, or has ended. It ends if it finds traces of one that
// was killed and whose last processes are not gone yet.
func (s *server) answers() bool {
	for {
		err := s.ping()
		if err == nil {
			return true
		}
		select {
		case <-s.ended:
			return false
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// ping is for anywhere: it knows nothing of loops.
func (s *server) ping() error {
	db, err := sql.Open("pgx", s.url("postgres"))
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Ping()
}

// kill ends the server and all its processes in the middle of their work. Those that serve
// connections lead sessions of their own, so no signal to a group reaches them. One that lives on
// may still commit its last request.
func (s *server) kill() {
	pid := s.cmd.Process.Pid
	syscall.Kill(pid, syscall.SIGSTOP) // so that it starts no more of them
	for range 2 {                      // one may have been on its way
		for _, child := range childrenOf(pid) {
			syscall.Kill(child, syscall.SIGKILL)
		}
	}
	syscall.Kill(-pid, syscall.SIGKILL)
	s.leash.Close()
	<-s.ended
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

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://bank@/%s?host=%s&connect_timeout=60", database, s.dir)
}

// newBank returns the flags of a bank that is not there yet.
func (s *server) newBank(t *testing.T) []string {
	t.Helper()
	s.banks++
	name := fmt.Sprint("bank", s.banks)
	err := aio.Run(t.Context(), func(ctx context.Context) error {
		db, err := aiosql.Open(ctx, "pgx", s.url("postgres"))
		if err != nil {
			return err
		}
		defer db.Close(ctx)
		_, err = db.Exec(ctx, "CREATE DATABASE "+name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return []string{"-url", s.url(name)}
}

func TestABankInPostgreSQL(t *testing.T) {
	s := newServer(t)
	testBank(t, s.newBank)

	t.Run("a database that does not exist", func(t *testing.T) {
		got := db.Run(t.Context(), "-url", s.url("nowhere"))
		if got.Code != cli.Failed || !strings.HasPrefix(got.Err, "db: there is no such database: ") {
			t.Errorf("%+v", got)
		}
	})

	t.Run("tellers in several programs", func(t *testing.T) {
		flags := s.newBank(t)
		var runs []*clitest.Running
		for seed := range 3 {
			runs = append(runs, db.Start(t, append(slices.Clone(flags), "-json", "-accounts", "5",
				"-transfers", "100", "-seed", fmt.Sprint(seed))...))
		}
		made := 0
		for _, r := range runs {
			if code := r.Wait(); code != cli.OK {
				t.Errorf("exit code %d: %s", code, r.Err)
			}
			transfers, _ := readLines(t, r.Out.String())
			made += len(transfers)
		}
		inBank(t, flags, func(ctx context.Context, b *bank) error {
			wantBalance(t, ctx, b, made)
			return nil
		})
	})

	t.Run("a server that is killed in the middle of a transaction", func(t *testing.T) {
		flags := s.newBank(t)
		inBank(t, flags, func(ctx context.Context, b *bank) error {
			for range 20 {
				if err := b.transfer(ctx, &transfer{Source: 1, Target: 2, Cents: 1_00}); err != nil {
					return err
				}
			}
			err := b.db.Tx(ctx, func(ctx context.Context, tx *aiosql.Tx) error {
				if err := b.move(ctx, tx, &transfer{Source: 1, Target: 2, Cents: 500_00}); err != nil {
					return err
				}
				s.kill()
				_, err := tx.Exec(ctx, "SELECT 1")
				return err
			})
			if err == nil || errors.Is(err, aio.ErrCancelled) {
				t.Errorf("the transaction ended with %v", err)
			}
			s.start()
			wantBalance(t, ctx, b, 20) // with connections that are new
			one, err := balance(ctx, b, 1)
			if one != 980_00 {
				t.Errorf("the account has %d", one)
			}
			return err
		})
	})

	t.Run("a server that is killed while tellers work", func(t *testing.T) {
		flags := s.newBank(t)
		r := db.Start(t, append(slices.Clone(flags), "-json", "-transfers", "1000000")...)
		r.Out.Await(t, `"transfer":100,`)
		s.kill()
		if code := r.Wait(); code != cli.Failed ||
			!strings.HasSuffix(r.Err.String(), "; what was committed is safe\n") {
			t.Errorf("exit code %d; it said %q", code, r.Err)
		}
		s.start()
		transfers, _ := readLines(t, r.Out.String())
		inBank(t, flags, func(ctx context.Context, b *bank) error {
			return wantAll(t, ctx, b, transfers)
		})
	})
}
