package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
)

func TestAFullDiskLeavesWholeFilesOnly(t *testing.T) {
	text := strings.Repeat("la ", 5_000)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%q", text)
	}))
	defer site.Close()
	for _, way := range []string{"sync", "async"} {
		t.Run(way, func(t *testing.T) {
			dir := t.TempDir()
			if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
				t.Skip("a small file system cannot be mounted here: ", err)
			}
			defer syscall.Unmount(dir, 0)
			got := genres.Run(t.Context(), "-n", "20", "-o", dir, "-way", way, site.URL)
			if got.Code != cli.Failed || !strings.Contains(got.Err, "no space left on device") {
				t.Errorf("%+v", got)
			}
			all := names(t, dir)
			if len(all) == 0 || len(all) > 8 {
				t.Errorf("%d files of 16 KiB on a disk of 128", len(all))
			}
			for _, name := range all {
				content, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil || string(content) != text {
					t.Errorf("%s has %d bytes, %v; want %d", name, len(content), err, len(text))
				}
			}
			want := fmt.Sprintf("genres: %d of 20 documents written, %d failed\n", len(all), 20-len(all))
			if !strings.HasSuffix(got.Err, want) {
				t.Errorf("%q, want %q", got.Err, want)
			}
		})
	}
}
