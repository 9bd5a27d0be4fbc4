//go:build unix

package postgres

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/aio-go/aio/examples/bridges/internal/trial"
	"github.com/aio-go/aio/internal/pgtest"
)

// serve starts a server on a Unix socket, and skips the test where there is none.
func serve(t *testing.T) (p *trial.Process, url string) {
	t.Helper()
	bin := pgtest.Find()
	if bin == "" {
		t.Skip("there is no PostgreSQL server on this machine: neither initdb in PATH nor " +
			"/usr/lib/postgresql/*/bin")
	}
	// not below the test's own folder: another user has no way in
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var as *syscall.Credential
	if os.Getuid() == 0 { // for which the server refuses to work
		if as = pgtest.User(); as == nil {
			t.Skip("PostgreSQL does not run as root, and there is no user postgres to run it as")
		}
		if err := os.Chown(dir, int(as.Uid), int(as.Gid)); err != nil {
			t.Skip("the folder cannot be given to user postgres: ", err)
		}
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "me", "-A", "trust",
		"-E", "UTF8", "--locale=C", "--no-sync")
	init.Dir, init.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := init.CombinedOutput(); err != nil {
		t.Skipf("initdb: %v\n%s", err, out)
	}
	url = fmt.Sprintf("postgres://me@/postgres?host=%s&connect_timeout=60", dir)
	ready := func() error {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			return err
		}
		return conn.Close(context.Background())
	}
	return trial.StartAs(t, dir, as, ready, filepath.Join(bin, "postgres"), "-D", data, "-k", dir,
		"-c", "listen_addresses=", "-c", "max_connections=30", "-c", "fsync=off"), url
}
