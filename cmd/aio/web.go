package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"time"

	"github.com/aio-go/aio/monitor"
)

// web serves the page on the loopback until it is interrupted. The path has a secret, so that other
// users of the machine and other pages of the browser cannot ask.
func (c *command) web(ctx context.Context) error {
	client, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := client.Picture(ctx, monitor.Question{Brief: true}); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return &problem{misused, "-addr is an address of the loopback, such as 127.0.0.1:8080"}
	}
	ln, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	secret := "/" + rand.Text() + "/"
	address := ln.Addr().String()
	page := monitor.Forward(client)
	mux := http.NewServeMux()
	mux.HandleFunc(secret, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != address { // a name that resolves to the loopback is a page of somebody else
			http.Error(w, "unknown host", http.StatusForbidden)
			return
		}
		page.ServeHTTP(w, r)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	url := "http://" + address + secret
	fmt.Fprintln(c.out, url)
	if c.open {
		openBrowser(url)
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// openBrowser asks the system to show a page. If it cannot, the user has the address.
func openBrowser(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(name, args...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
