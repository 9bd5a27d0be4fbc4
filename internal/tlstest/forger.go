package tlstest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// Forger makes the records of a TLS 1.3 client with AES-128-GCM that crypto/tls would not make.
type Forger struct {
	tb     testing.TB
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	next   uint64 // number of the next record
}

// NewForger takes the client's first secret for data from a key log.
func NewForger(tb testing.TB, keyLog string) *Forger {
	tb.Helper()
	for line := range strings.Lines(keyLog) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "CLIENT_TRAFFIC_SECRET_0" {
			secret, err := hex.DecodeString(f[2])
			if err != nil || len(secret) != sha256.Size {
				tb.Fatalf("the secret %q: %v", f[2], err)
			}
			f := &Forger{tb: tb}
			f.use(secret)
			return f
		}
	}
	tb.Fatal("the log has no secret")
	return nil
}

func (f *Forger) use(secret []byte) {
	f.secret, f.next = secret, 0
	block, err := aes.NewCipher(f.expand("key", 16))
	if err == nil {
		f.aead, err = cipher.NewGCM(block)
	}
	if err != nil {
		f.tb.Fatal(err)
	}
	f.iv = f.expand("iv", 12)
}

func (f *Forger) expand(label string, n int) []byte {
	label = "tls13 " + label
	info := binary.BigEndian.AppendUint16(nil, uint16(n))
	info = append(append(append(info, byte(len(label))), label...), 0)
	key, err := hkdf.Expand(sha256.New, f.secret, string(info), n)
	if err != nil {
		f.tb.Fatal(err)
	}
	return key
}

// Record returns one with the given content; 22 is a handshake message, 23 is data.
func (f *Forger) Record(kind byte, content ...byte) []byte {
	plain := append(content, kind)
	header := []byte{23, 3, 3, 0, byte(len(plain) + f.aead.Overhead())}
	nonce := bytes.Clone(f.iv)
	for i := range 8 {
		nonce[len(nonce)-1-i] ^= byte(f.next >> (8 * i))
	}
	f.next++
	return f.aead.Seal(header, nonce, plain, header)
}

// KeyUpdate returns the announcement of new keys (RFC 8446, 4.6.3), which asks for an answer or
// not.
func (f *Forger) KeyUpdate(ask bool) []byte {
	request := byte(0)
	if ask {
		request = 1
	}
	r := f.Record(22, 24, 0, 0, 1, request)
	f.use(f.expand("traffic upd", sha256.Size))
	return r
}

// Flood returns rounds times 16 key updates and one byte of data: as many as crypto/tls takes in a
// row.
func (f *Forger) Flood(rounds int, ask bool) (records []byte) {
	for range rounds {
		for range 16 {
			records = append(records, f.KeyUpdate(ask)...)
		}
		records = append(records, f.Record(23, 'x')...)
	}
	return records
}
