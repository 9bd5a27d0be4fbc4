package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/debug"

	"github.com/panjf2000/gnet/v2"
)

// gnetServers are servers on gnet, with one event loop or with one for each
// CPU. It has callbacks and nothing like streams.
func gnetServers(multi bool) map[string]netServer {
	serve := func(ctx context.Context, started func(net.Addr)) error {
		e := &gnetEcho{ctx: ctx, started: started}
		loops := gnet.WithNumEventLoop(1)
		if multi {
			loops = gnet.WithMulticore(true)
		}
		return gnet.Run(e, "tcp://127.0.0.1:0", loops, gnet.WithTCPNoDelay(gnet.TCPNoDelay),
			gnet.WithLogger(gnetLog{}))
	}
	return map[string]netServer{
		"echo_protocol":        serve,
		"idle_memory_protocol": serve,
		"sparse":               serve,
		"connect":              serve,
	}
}

// gnetEcho sends back what arrives.
type gnetEcho struct {
	gnet.BuiltinEventEngine
	ctx     context.Context
	started func(net.Addr)
}

func (e *gnetEcho) OnBoot(engine gnet.Engine) gnet.Action {
	context.AfterFunc(e.ctx, func() { engine.Stop(context.Background()) })
	fd, err := engine.Dup()
	if err != nil {
		return gnet.Shutdown
	}
	f := os.NewFile(uintptr(fd), "listener")
	defer f.Close()
	ln, err := net.FileListener(f)
	if err != nil {
		return gnet.Shutdown
	}
	defer ln.Close()
	e.started(ln.Addr())
	return gnet.None
}

func (e *gnetEcho) OnTraffic(conn gnet.Conn) gnet.Action {
	p, err := conn.Next(-1)
	if err != nil {
		return gnet.Close
	}
	if _, err := conn.Write(p); err != nil {
		return gnet.Close
	}
	return gnet.None
}

// gnetLog keeps gnet's log off the standard output, which is the contestant's.
type gnetLog struct{}

func (gnetLog) Debugf(string, ...any)             {}
func (gnetLog) Infof(string, ...any)              {}
func (gnetLog) Warnf(string, ...any)              {}
func (gnetLog) Errorf(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
func (gnetLog) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }

// versions are those of contestants whose version is not Go's.
var versions = map[string]string{
	"gnet":       moduleVersion("github.com/panjf2000/gnet/v2"),
	"gnet_multi": moduleVersion("github.com/panjf2000/gnet/v2"),
	"fasthttp":   moduleVersion("github.com/valyala/fasthttp"),
	"coder":      moduleVersion("github.com/coder/websocket"),
}

// moduleVersion is the version of a module this program was built with.
func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return ""
}
