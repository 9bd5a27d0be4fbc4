package aiohttp_test

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"runtime"
	"testing"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

func TestWhoMayConnectToAServersUnixSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no modes there")
	}
	for want, setup := range map[fs.FileMode][]func(*http.Server){
		0o600: nil,
		0o660: {aiohttp.SocketMode(0o660)},
		0o666: {aiohttp.SocketMode(0o666)},
	} {
		path := looptest.SocketPath(t)
		err := aio.Run(t.Context(), func(ctx context.Context) error {
			s, err := aiohttp.Serve(ctx, "unix", path, http.NotFoundHandler(), setup...)
			if err != nil {
				return err
			}
			defer s.Close()
			info, err := os.Lstat(path)
			if err == nil && info.Mode().Perm() != want {
				t.Errorf("mode %v, want %v", info.Mode(), want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); err == nil {
			t.Error("the file is still there")
		}
	}
}
