//go:build unix

package slowserver

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/aio-go/aio"
)

func TestNoMorePathsAreRememberedThanTheBound(t *testing.T) {
	s := &Server{Files: fstest.MapFS{}, InMemory: true}
	for i := range 2 * mostPaths {
		s.nth(fmt.Sprint("/", i))
	}
	if len(s.asked) != mostPaths || s.nth("/0") != 1 || s.nth("/0") != 2 ||
		s.nth(fmt.Sprint("/", 2*mostPaths-1)) != 0 {
		t.Errorf("%d paths are remembered, the first was asked for %d times", len(s.asked), s.nth("/0"))
	}
}

func TestAPipeInTheFolderHoldsNobodyUp(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Skip(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := &Server{Files: root.FS()}
	err = aio.Run(t.Context(), func(ctx context.Context) error {
		reply, err := s.Answer(ctx, http.MethodGet, "/pipe")
		if err == nil && reply.Status != http.StatusForbidden {
			t.Errorf("status %d", reply.Status)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
