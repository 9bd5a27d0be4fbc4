package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// visitor is one client on one connection.
type visitor struct {
	r      *stream.Reader
	w      *stream.Writer
	rng    *rand.Rand
	secure *tls.Config
}

// visit is one thing that a client may do. It fails if the server does not do its part.
type visit struct {
	name, about string
	do          func(ctx context.Context, v *visitor) error
}

// settle is a little while: enough for something to be under way.
const settle = time.Millisecond

var visits = []visit{
	{"echo", "a few requests, one after the other", echo},
	{"pipeline", "many requests at once, then all the answers", pipeline},
	{"give", "a large answer", give},
	{"take", "a large request", take},
	{"nap", "an answer that takes a while, perhaps too long", nap},
	{"hash", "an answer that is computed off the loop", hash},
	{"secured", "the connection is secured half-way", secured},
	{"half", "the client says that it has nothing more to send, then reads", half},
	{"slow", "a large answer that is not read for a while", slow},
	{"leave", "a large answer that is not read to its end; a reset", leave},
	{"vanish", "a request that is not sent to its end; a reset", vanish},
	{"knock", "nothing at all", knock},
	{"garbage", "not a request", garbage},
	{"endless", "a line that is too long", endless},
	{"dropped", "the server resets the connection", dropped},
	{"untrusted", "a client that ends the handshake", untrusted},
}

func echo(ctx context.Context, v *visitor) error {
	for range 1 + v.rng.IntN(20) {
		n := v.rng.IntN(portion)
		fmt.Fprintf(v.w, "echo %d\n", n)
		v.w.Write(pattern[:n])
		if err := v.w.Drain(ctx); err != nil {
			return err
		}
		if err := receive(ctx, v.r, n); err != nil {
			return err
		}
	}
	return v.bye(ctx)
}

func pipeline(ctx context.Context, v *visitor) error {
	sizes := make([]int, 50)
	for i := range sizes {
		sizes[i] = v.rng.IntN(portion / 8)
		fmt.Fprintf(v.w, "echo %d\n%s", sizes[i], pattern[:sizes[i]])
	}
	for _, n := range sizes {
		if err := receive(ctx, v.r, n); err != nil {
			return err
		}
	}
	return v.bye(ctx)
}

func give(ctx context.Context, v *visitor) error {
	n := v.rng.IntN(1 << 20)
	fmt.Fprintf(v.w, "give %d\n", n)
	if err := receive(ctx, v.r, n); err != nil {
		return err
	}
	return v.bye(ctx)
}

func take(ctx context.Context, v *visitor) error {
	n := v.rng.IntN(1 << 20)
	fmt.Fprintf(v.w, "take %d\n", n)
	if err := send(ctx, v.w, n); err != nil {
		return err
	}
	if err := v.expect(ctx, fmt.Sprint(n)); err != nil {
		return err
	}
	return v.bye(ctx)
}

func nap(ctx context.Context, v *visitor) error {
	fmt.Fprintf(v.w, "nap %d\n", v.rng.IntN(5))
	if err := v.expect(ctx, "rested", "late"); err != nil {
		return err
	}
	return v.bye(ctx)
}

func hash(ctx context.Context, v *visitor) error {
	n := v.rng.IntN(64 << 10)
	fmt.Fprintf(v.w, "hash %d\n", n)
	sum, err := v.r.ReadExactly(ctx, 32)
	if err != nil {
		return err
	}
	if !bytes.Equal(sum, checksum(n)) {
		return errors.New("the checksum is wrong")
	}
	return v.bye(ctx)
}

func secured(ctx context.Context, v *visitor) error {
	v.w.WriteString("tls\n")
	if err := v.expect(ctx, "ok"); err != nil {
		return err
	}
	if err := v.w.StartTLS(ctx, v.secure); err != nil {
		return err
	}
	if v.rng.IntN(2) == 0 {
		return echo(ctx, v)
	}
	return give(ctx, v)
}

func half(ctx context.Context, v *visitor) error {
	n := v.rng.IntN(64 << 10)
	fmt.Fprintf(v.w, "give %d\n", n)
	if err := v.w.WriteEOF(); err != nil {
		return err
	}
	if err := receive(ctx, v.r, n); err != nil {
		return err
	}
	if rest, err := v.r.ReadAll(ctx); err != nil || len(rest) > 0 {
		return fmt.Errorf("instead of the end came %d bytes, %w", len(rest), err)
	}
	return v.bye(ctx)
}

func slow(ctx context.Context, v *visitor) error {
	fmt.Fprintf(v.w, "give %d\n", largest)
	if err := aio.Sleep(ctx, 5*settle); err != nil {
		return err
	}
	if err := receive(ctx, v.r, largest); err != nil {
		return err
	}
	return v.bye(ctx)
}

func leave(ctx context.Context, v *visitor) error {
	fmt.Fprintf(v.w, "give %d\n", largest)
	if err := receive(ctx, v.r, v.rng.IntN(largest/4)); err != nil {
		return err
	}
	v.w.Abort()
	return nil
}

func vanish(ctx context.Context, v *visitor) error {
	fmt.Fprintf(v.w, "take %d\n", largest)
	if err := send(ctx, v.w, v.rng.IntN(largest/16)); err != nil {
		return err
	}
	v.w.Abort()
	return nil
}

func knock(ctx context.Context, v *visitor) error { return v.bye(ctx) }

func garbage(ctx context.Context, v *visitor) error {
	noise := make([]byte, 100)
	for i := range noise {
		noise[i] = byte(128 + v.rng.IntN(128))
	}
	v.w.Write(append(noise, '\n'))
	return v.refused(ctx)
}

func endless(ctx context.Context, v *visitor) error {
	for range 8 {
		v.w.Write(bytes.Repeat([]byte("x"), portion))
	}
	return v.refused(ctx)
}

func dropped(ctx context.Context, v *visitor) error {
	v.w.WriteString("drop\n")
	if _, err := v.r.ReadLine(ctx); !gone(err) {
		return fmt.Errorf("instead of the end came %w", err)
	}
	return nil
}

func untrusted(ctx context.Context, v *visitor) error {
	v.w.WriteString("tls\n")
	if err := v.expect(ctx, "ok"); err != nil {
		return err
	}
	// Without the certificate among those to trust, the client refuses it.
	var unknown *tls.CertificateVerificationError
	if err := v.w.StartTLS(ctx, &tls.Config{ServerName: "localhost"}); !errors.As(err, &unknown) {
		return fmt.Errorf("the handshake ended with %w", err)
	}
	return nil
}

// expect reads a line that has to be one of several.
func (v *visitor) expect(ctx context.Context, lines ...string) error {
	line, err := v.r.ReadLine(ctx)
	if err != nil {
		return err
	}
	for _, want := range lines {
		if string(line) == want+"\n" {
			return nil
		}
	}
	return fmt.Errorf("the answer is %q, not %q", line, lines)
}

// refused reads why the server ends the connection. A reset may take the reason with it.
func (v *visitor) refused(ctx context.Context) error {
	line, err := v.r.ReadLine(ctx)
	if gone(err) || err == nil && strings.HasPrefix(string(line), "error: ") {
		return nil
	}
	return fmt.Errorf("instead of a refusal came %q, %w", line, err)
}

// bye closes the connection in order.
func (v *visitor) bye(ctx context.Context) error {
	v.w.Close()
	return v.w.WaitClosed(ctx)
}
