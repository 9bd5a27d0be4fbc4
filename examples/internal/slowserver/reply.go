package slowserver

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Reply is what a request gets.
type Reply struct {
	Status int
	Type   string // of the content
	Size   int64
	Body   io.ReadCloser
}

func textReply(status int, kind, text string) *Reply {
	return &Reply{status, kind, int64(len(text)), io.NopCloser(strings.NewReader(text))}
}

func errorReply(status int) *Reply {
	return textReply(status, "text/plain; charset=utf-8", fmt.Sprintf("%d %s\n",
		status, http.StatusText(status)))
}

// openReply finds a path: a file, or a folder with an index.html or a list of its content.
func openReply(files fs.FS, urlPath string) *Reply {
	name := strings.Trim(path.Clean("/"+urlPath), "/")
	if name == "" {
		name = "."
	}
	reply, err := openFile(files, name)
	if name == "." && errors.Is(err, fs.ErrNotExist) { // no list of everything, but perhaps a page
		reply, err = openFile(files, "index.html")
	}
	switch {
	case err == nil:
		return reply
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrInvalid):
		return errorReply(http.StatusNotFound)
	case errors.Is(err, fs.ErrPermission):
		return errorReply(http.StatusForbidden)
	}
	return errorReply(http.StatusInternalServerError)
}

func openFile(files fs.FS, name string) (*Reply, error) {
	// Opening a pipe would wait for its writer, perhaps for ever.
	if info, err := fs.Stat(files, name); err != nil {
		return nil, err
	} else if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fs.ErrPermission
	}
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	if info.IsDir() {
		f.Close()
		index, err := openFile(files, path.Join(name, "index.html"))
		if errors.Is(err, fs.ErrNotExist) {
			return list(files, name)
		}
		return index, err
	}
	if !info.Mode().IsRegular() { // it is another one by now
		f.Close()
		return nil, fs.ErrPermission
	}
	kind := cmp.Or(mime.TypeByExtension(path.Ext(name)), "application/octet-stream")
	return &Reply{http.StatusOK, kind, info.Size(), f}, nil
}

// list makes a page of the content of a folder.
func list(files fs.FS, name string) (*Reply, error) {
	entries, err := fs.ReadDir(files, name)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	title := html.EscapeString(strings.TrimPrefix("/"+name, "/."))
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<title>%s/</title>\n<h1>%s/</h1>\n<ul>\n", title, title)
	for _, e := range entries {
		entry := e.Name()
		if e.IsDir() {
			entry += "/"
		}
		link := (&url.URL{Path: path.Join("/", name, e.Name())}).String()
		fmt.Fprintf(&b, "<li><a href=\"%s\">%s</a>\n",
			html.EscapeString(link), html.EscapeString(entry))
	}
	b.WriteString("</ul>\n")
	return textReply(http.StatusOK, "text/html; charset=utf-8", b.String()), nil
}
