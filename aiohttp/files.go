package aiohttp

import (
	"fmt"
	"net/http"
	"path"
	"strings"
)

// Files returns a handler for the files of a folder, as [http.FileServer] serves them: with ranges,
// types, and dates of change. It runs off the loop. Each file has an entity tag as well, made of
// its date and length, so that browsers ask again cheaply. Python: aiohttp.web.static.
//
//	root, err := os.OpenRoot("static") // no link leads out of it
//	...
//	site.Handle("/static/", http.StripPrefix("/static", aiohttp.Files(http.FS(root.FS()))))
//
// The listing of folders is that of FileServer; leave it out with a file index.html.
func Files(root http.FileSystem) http.Handler {
	if root == nil {
		panic("aiohttp: Files: the file system is nil; use http.Dir or http.FS")
	}
	files := http.FileServer(root)
	return OffLoop(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if tag := entityTag(root, r.URL.Path); tag != "" {
			w.Header().Set("ETag", tag)
		}
		files.ServeHTTP(w, r)
	}))
}

// entityTag returns a tag for the file that is served for a path, or "" if there is none.
func entityTag(root http.FileSystem, name string) string {
	if strings.HasSuffix(name, "/index.html") { // a redirect
		return ""
	}
	folder := strings.HasSuffix(name, "/") || name == ""
	if name = path.Clean("/" + name); folder {
		name = path.Join(name, "index.html")
	}
	f, err := root.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.ModTime().IsZero() {
		return ""
	}
	return fmt.Sprintf(`"%x-%x"`, info.ModTime().UnixNano(), info.Size())
}
