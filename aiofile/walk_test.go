package aiofile_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiofile"
)

// tree makes a few files and folders.
func tree(t *testing.T) string {
	root := t.TempDir()
	for _, name := range []string{"b/1", "b/2/x", "a", "c/deep/er/y", "d/z"} {
		write(t, filepath.Join(root, filepath.FromSlash(name)), name)
	}
	return root
}

func TestAWalkVisitsWhatWalkDirVisits(t *testing.T) {
	root := tree(t)
	var want []string
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, _ error) error {
		want = append(want, path)
		return nil
	})
	run(t, func(ctx context.Context) error {
		var got []string
		for e, err := range aiofile.Walk(ctx, root, aiofile.Info()) {
			if err != nil {
				return err
			}
			got = append(got, e.Path)
			if e.IsDir() != e.Info.IsDir() || e.Name != filepath.Base(e.Path) {
				t.Errorf("%s: %v", e.Path, e)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
}

func TestAWalkLeavesOutWhatItIsToldTo(t *testing.T) {
	root := tree(t)
	run(t, func(ctx context.Context) error {
		var got []string
		for e, err := range aiofile.Walk(ctx, root) {
			if err != nil {
				return err
			}
			switch got = append(got, e.Name); e.Name {
			case "b", "deep":
				e.SkipDir()
			case "a":
				e.SkipDir() // a file: nothing to skip
			}
			if e.Name == "d" {
				break
			}
		}
		if want := []string{filepath.Base(root), "a", "b", "c", "deep", "d"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		return nil
	})
}

func TestAWalkFollowsNoLinks(t *testing.T) {
	root := tree(t)
	link := filepath.Join(root, "loop")
	if err := os.Symlink(root, link); err != nil {
		t.Skip("there are no symbolic links here: ", err)
	}
	if _, err := os.Lstat(link); err != nil {
		t.Skip("a symbolic link is made, but not there: ", err) // Wine
	}
	run(t, func(ctx context.Context) error {
		n := 0
		for e, err := range aiofile.Walk(ctx, root) {
			if n++; err != nil {
				return err
			}
			if e.Name == "loop" && (e.IsDir() || e.Type&fs.ModeSymlink == 0) {
				t.Errorf("the link is a %v", e.Type)
			}
		}
		if n != 13 {
			t.Errorf("%d entries", n)
		}
		return nil
	})
}

func TestWhatCannotBeWalkedEndsTheWalkOrIsLeftOut(t *testing.T) {
	run(t, func(ctx context.Context) error {
		missing := filepath.Join(t.TempDir(), "missing")
		walk := func(opts ...aiofile.WalkOption) (n int, err error) {
			for _, e := range aiofile.Walk(ctx, missing, opts...) {
				n, err = n+1, e
			}
			return n, err
		}
		if n, err := walk(); n != 1 || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%d entries, %v", n, err)
		}
		skipped := ""
		if n, err := walk(aiofile.OnWalkError(func(path string, err error) error {
			skipped = path
			return nil
		})); n != 0 || err != nil || skipped != missing {
			t.Errorf("%d entries, %v, skipped %s", n, err, skipped)
		}
		return nil
	})
}

func TestAWalkMayDeleteWhatItVisits(t *testing.T) {
	root := tree(t)
	run(t, func(ctx context.Context) error {
		for e, err := range aiofile.Walk(ctx, root) {
			if err != nil {
				return err
			}
			if e.Name == "b" {
				_, err := aiofile.Do(ctx, func() (aio.None, error) { return aio.None{}, os.RemoveAll(e.Path) })
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
	wantNames(t, root, "a", "c", "d")
}

func TestACancelledWalkEndsWithTheCancellation(t *testing.T) {
	root := tree(t)
	run(t, func(ctx context.Context) error {
		task := aio.Start(ctx, func(ctx context.Context) error {
			never := aiofile.OnWalkError(func(string, error) error {
				t.Error("a cancellation is no matter of the walk")
				return nil
			})
			for e, err := range aiofile.Walk(ctx, root, never) {
				if err != nil {
					return err
				}
				if e.Name == "b" {
					aio.CurrentTask(ctx).Cancel(errReason)
				}
			}
			return nil
		})
		if _, err := task.Await(ctx); !errors.Is(err, errReason) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}
