package stream_test

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/aio-go/aio/internal/looptest"

	"github.com/aio-go/aio/internal/tlstest"
	"github.com/aio-go/aio/stream"
	"github.com/aio-go/aio/transport"
)

// asyncioServer echoes lines, backwards, with asyncio's own streams: over TCP, TLS and a Unix
// socket. The line "secure me" makes it upgrade the connection. It ends with its input.
const asyncioServer = `
import asyncio, ssl, sys

path, cert, key = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)

async def handle(reader, writer):
    while line := await reader.readline():
        if line == b"secure me\n":
            writer.write(b"go on\n")
            await writer.start_tls(context)
            continue
        writer.write(line[-2::-1] + b"\n")
        await writer.drain()
    writer.write(b"that was all\n")
    writer.close()
    try:
        await writer.wait_closed()
    except ssl.SSLError:
        pass

async def main():
    plain = await asyncio.start_server(handle, "127.0.0.1", 0)
    secured = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=context)
    unix = await asyncio.start_unix_server(handle, path)
    print("serving", *(s.sockets[0].getsockname()[1] for s in (plain, secured)), flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
`

// asyncioClient sends what must come back: lines, a megabyte, and what it sends before the end of
// its direction. Its arguments are kinds of connections and where to make them. It prints each that
// went well.
const asyncioClient = `
import asyncio, os, ssl, sys

async def upper(reader, writer, line):
    writer.write(line)
    await writer.drain()
    answer = await reader.readline()
    assert answer == line.upper(), answer

async def talk(kind, where, context):
    if kind == "unix":
        reader, writer = await asyncio.open_unix_connection(where)
    else:
        host, port = where.split(":")
        secured = {"ssl": context, "server_hostname": "localhost"} if kind == "tls" else {}
        reader, writer = await asyncio.open_connection(host, port, **secured)
    await upper(reader, writer, b"hello\n")
    if kind == "starttls":
        await upper(reader, writer, b"secure me\n")
        await writer.start_tls(context, server_hostname="localhost")
        assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    large = os.urandom(1 << 19).hex().encode() + b"\n"
    for at in range(0, len(large), 60_000):
        writer.write(large[at : at + 60_000])
        await writer.drain()
    assert await reader.readexactly(len(large)) == large.upper()
    writer.write(b"and the end")
    if writer.can_write_eof():
        writer.write_eof()
        assert await reader.read() == b"AND THE END"
    writer.close()
    await writer.wait_closed()
    print(kind)

async def main():
    ca, *places = sys.argv[1:]
    context = ssl.create_default_context(cafile=ca)
    while places:
        kind, where, *places = places
        await asyncio.wait_for(talk(kind, where, context), 60)

asyncio.run(main())
`

// needPython skips the test if there is no Python whose streams have start_tls.
func needPython(t *testing.T) {
	t.Helper()
	version, err := exec.Command("python3", "-c", "import sys; print(*sys.version_info[:2])").Output()
	if err != nil {
		t.Skip("there is no python3 on this machine")
	}
	fields := strings.Fields(string(version))
	if minor, _ := strconv.Atoi(fields[1]); fields[0] != "3" || minor < 11 {
		t.Skipf("python3 is %s; this takes 3.11", strings.Join(fields, "."))
	}
}

func TestOurClientTalksToAsyncio(t *testing.T) {
	needPython(t)
	a := tlstest.New(t)
	_, cert, key := a.Files()
	path := looptest.SocketPath(t)
	p := start(t, "python3", "-u", "-c", asyncioServer, path, cert, key)
	ports := p.says(`^serving (\d+) (\d+)`)
	plain, secured := "127.0.0.1:"+ports[1], transport.TLS(a.Client())
	for _, c := range []struct {
		kind, network, address string
		opts                   []transport.Option
	}{
		{"tcp", "tcp", plain, nil},
		{"unix", "unix", path, nil},
		{"tls", "tcp", "127.0.0.1:" + ports[2], []transport.Option{secured}},
		{"starttls", "tcp", plain, nil},
	} {
		sub(t, c.kind, func(t *testing.T, ctx context.Context) {
			r, w, err := stream.Open(ctx, c.network, c.address, c.opts...)
			ok(t, err)
			say := func(line, want string) {
				w.WriteString(line)
				got, err := r.ReadLine(ctx)
				expect(t, got, err, want)
			}
			say("hello\n", "olleh\n")
			if c.kind == "starttls" {
				say("secure me\n", "go on\n")
				ok(t, w.StartTLS(ctx, a.Client()))
				say("hello again\n", "niaga olleh\n")
			}
			line := strings.Repeat("0123456789", 6000)
			for range 20 { // more than any buffer, unread by this side
				w.WriteString(line + "\n")
			}
			for range 20 {
				got, err := r.ReadLine(ctx)
				expect(t, got, err, strings.Repeat("9876543210", 6000)+"\n")
			}
			if w.CanWriteEOF() {
				ok(t, w.WriteEOF())
				got, err := r.ReadAll(ctx)
				expect(t, got, err, "that was all\n")
			}
			shut(ctx, t, w)
		})
	}
}

func TestAsyncioTalksToOurServer(t *testing.T) {
	needPython(t)
	a := tlstest.New(t)
	ca, _, _ := a.Files()
	path := looptest.SocketPath(t)
	serve := func(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
		for line, err := range r.Lines(ctx) {
			if err != nil {
				return err
			}
			w.WriteString(strings.ToUpper(string(line)))
			if err := w.Drain(ctx); err != nil {
				return onlyCancelled(err) // a client that closes does not wait for the answer to its last words
			}
			if string(line) == "secure me\n" {
				if err := w.StartTLS(ctx, a.Server()); err != nil {
					return err
				}
			}
		}
		return nil
	}
	run(t, func(ctx context.Context) {
		limit := stream.Limit(2 << 20) // there is a line of a megabyte
		listen(ctx, t, serve, func(plain string) {
			listen(ctx, t, serve, func(secured string) {
				unix, err := stream.Serve(ctx, "unix", path, serve, limit)
				ok(t, err)
				got := output(ctx, t, "python3", "-c", asyncioClient, ca, "tcp", plain, "unix", path, "tls",
					secured, "starttls", plain)
				if got != "tcp\nunix\ntls\nstarttls\n" {
					t.Errorf("the client said %q", got)
				}
				unix.Close()
				ok(t, unix.WaitClosed(ctx))
			}, limit, transport.TLS(a.Server()))
		}, limit)
	})
}
