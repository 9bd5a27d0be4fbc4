package aiowebsocket_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/aio-go/aio/aiowebsocket"
	"github.com/gobwas/ws"
)

func closeWith(code int, reason string) []byte {
	return fr(ws.OpClose, true, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

func deflated(s string) string {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, 9)
	w.Write([]byte(s))
	w.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}

// The table has the kinds of cases that the Autobahn suite has. The server echoes messages of at
// most 70,000 bytes. Each case is sent in one piece, and byte by byte if it is short.
func TestEachKindOfFrameHasItsAnswer(t *testing.T) {
	long := strings.Repeat("x", 65_536)
	bye := closeWith(1000, "")
	type m = []byte
	cat := func(parts ...m) m { return slices.Concat(parts...) }
	unmasked := rawFrame(ws.Header{Fin: true, OpCode: ws.OpText, Length: 2}, "hi")
	rsv := func(bits byte, op ws.OpCode, payload string) m {
		return rawFrame(ws.Header{Fin: true, Rsv: bits, OpCode: op, Masked: true,
			Length: int64(len(payload))}, payload)
	}
	claim := func(n uint64) m { // the head of a frame of n bytes
		return append(binary.BigEndian.AppendUint64(m{0x82, 0xff}, n), 1, 2, 3, 4)
	}
	for _, c := range []struct {
		name string
		sent m
		want string
	}{
		{"a text", cat(fr(ws.OpText, true, "hello"), bye), "text:hello close:1000"},
		{"an empty text", cat(fr(ws.OpText, true, ""), bye), "text: close:1000"},
		{"an empty binary", cat(fr(ws.OpBinary, true, ""), bye), "binary: close:1000"},
		{"125 bytes", cat(fr(ws.OpBinary, true, long[:125]), bye), "binary:125 close:1000"},
		{"126 bytes", cat(fr(ws.OpBinary, true, long[:126]), bye), "binary:126 close:1000"},
		{"65535 bytes", cat(fr(ws.OpText, true, long[:65535]), bye), "text:65535 close:1000"},
		{"65536 bytes", cat(fr(ws.OpText, true, long), bye), "text:65536 close:1000"},
		{"the largest", cat(fr(ws.OpText, true, long+long[:4464]), bye), "text:70000 close:1000"},

		{"a ping", cat(fr(ws.OpPing, true, ""), bye), "pong: close:1000"},
		{"a ping with data", cat(fr(ws.OpPing, true, "\x00\xff"), bye), "pong:\x00\xff close:1000"},
		{"a ping of 125 bytes", cat(fr(ws.OpPing, true, long[:125]), bye), "pong:125 close:1000"},
		{"a ping of 126 bytes", fr(ws.OpPing, true, long[:126]), "close:1002"},
		{"ten pings", cat(bytes.Repeat(fr(ws.OpPing, true, "p"), 10), bye),
			strings.Repeat("pong:p ", 10) + "close:1000"},
		{"an unsolicited pong", cat(fr(ws.OpPong, true, "x"), fr(ws.OpPing, true, "y"), bye),
			"pong:y close:1000"},
		{"a ping after the close", cat(bye, fr(ws.OpPing, true, "")), "close:1000"},
		{"a text after the close", cat(bye, fr(ws.OpText, true, "late")), "close:1000"},

		{"reserved bit 1", rsv(4, ws.OpText, "x"), "close:1002"},
		{"reserved bit 2", rsv(2, ws.OpText, "x"), "close:1002"},
		{"reserved bit 3", rsv(1, ws.OpPing, ""), "close:1002"},
		{"all reserved bits", cat(fr(ws.OpText, true, "a"), rsv(7, ws.OpClose, "")),
			"text:a close:1002"},
		{"opcode 3", fr(3, true, ""), "close:1002"},
		{"opcode 7", fr(7, true, "data"), "close:1002"},
		{"opcode 11", fr(11, true, ""), "close:1002"},
		{"opcode 15", cat(fr(ws.OpText, true, "a"), fr(15, true, "")), "text:a close:1002"},
		{"no mask", unmasked, "close:1002"},
		{"a mistake after a mistake", cat(unmasked, unmasked), "close:1002"},

		{"two fragments", cat(fr(ws.OpText, false, "he"), fr(0, true, "llo"), bye),
			"text:hello close:1000"},
		{"empty fragments", cat(fr(ws.OpText, false, ""), fr(0, false, ""), fr(0, true, ""), bye),
			"text: close:1000"},
		{"a ping between fragments",
			cat(fr(ws.OpText, false, "he"), fr(ws.OpPing, true, "p"), fr(0, true, "llo"), bye),
			"pong:p text:hello close:1000"},
		{"a ping in fragments", cat(fr(ws.OpPing, false, "a"), fr(0, true, "b")), "close:1002"},
		{"a continuation of nothing", fr(0, true, "x"), "close:1002"},
		{"a continuation after a message", cat(fr(ws.OpText, true, "a"), fr(0, false, "x")),
			"text:a close:1002"},
		{"a text within a text", cat(fr(ws.OpText, false, "a"), fr(ws.OpText, true, "b")), "close:1002"},
		{"a close between fragments", cat(fr(ws.OpText, false, "a"), bye), "close:1000"},

		{"UTF-8", cat(fr(ws.OpText, true, "κόσμε €"), bye), "text:κόσμε € close:1000"},
		{"a character in two fragments",
			cat(fr(ws.OpText, false, "\xe2\x82"), fr(0, true, "\xac"), bye), "text:€ close:1000"},
		{"no UTF-8", fr(ws.OpText, true, "\xce\xba\xff"), "close:1007"},
		{"a surrogate", fr(ws.OpText, true, "\xed\xa0\x80"), "close:1007"},
		{"too long an encoding", fr(ws.OpText, true, "\xc0\xaf"), "close:1007"},
		{"above the last character", fr(ws.OpText, true, "\xf4\x90\x80\x80"), "close:1007"},
		{"half a character at the end", cat(fr(ws.OpText, false, "a"), fr(0, true, "\xe2\x82")),
			"close:1007"},
		{"no UTF-8 but binary", cat(fr(ws.OpBinary, true, "\xff"), bye), "binary:\xff close:1000"},

		{"a close without a code", fr(ws.OpClose, true, ""), "close:1005"},
		{"a close with half a code", fr(ws.OpClose, true, "x"), "close:1002"},
		{"a close with a reason", closeWith(1000, "bye"), "close:1000"},
		{"a close with the longest reason", closeWith(1000, long[:123]), "close:1000"},
		{"a close with too long a reason", closeWith(1000, long[:124]), "close:1002"},
		{"a close with no UTF-8", closeWith(1000, "\xff"), "close:1007"},
		{"two closes", cat(bye, bye), "close:1000"},
		{"1001", closeWith(1001, ""), "close:1001"},
		{"1003", closeWith(1003, ""), "close:1003"},
		{"1007", closeWith(1007, ""), "close:1007"},
		{"1011", closeWith(1011, ""), "close:1011"},
		{"1012", closeWith(1012, ""), "close:1012"},
		{"1014", closeWith(1014, ""), "close:1014"},
		{"3000", closeWith(3000, ""), "close:3000"},
		{"4999", closeWith(4999, ""), "close:4999"},
		{"0", closeWith(0, ""), "close:1002"},
		{"999", closeWith(999, ""), "close:1002"},
		{"1004", closeWith(1004, ""), "close:1002"},
		{"1005", closeWith(1005, ""), "close:1002"},
		{"1006", closeWith(1006, ""), "close:1002"},
		{"1015", closeWith(1015, ""), "close:1002"},
		{"1016", closeWith(1016, ""), "close:1002"},
		{"2999", closeWith(2999, ""), "close:1002"},
		{"5000", closeWith(5000, ""), "close:1002"},
		{"65535", closeWith(65535, ""), "close:1002"},

		{"too long", fr(ws.OpBinary, true, long+long[:4465]), "close:1009"},
		{"too long, in fragments", cat(fr(ws.OpBinary, false, long), fr(0, true, long)), "close:1009"},
		{"a claim of all memory", claim(1 << 62), "close:1009"},
		{"a claim with a sign", claim(1 << 63), "close:1002"},

		{"compressed", cat(rsv(4, ws.OpText, deflated("hello")), bye), "+text:hello close:1000"},
		{"compressed and empty", cat(rsv(4, ws.OpText, deflated("")), bye), "+text: close:1000"},
		{"not compressed all the same", cat(fr(ws.OpText, true, "hello"), bye),
			"+text:hello close:1000"},
		{"compressed, in fragments", cat(
			rawFrame(ws.Header{Rsv: 4, OpCode: ws.OpText, Masked: true, Length: 2}, deflated("hello")[:2]),
			fr(ws.OpPing, true, ""), fr(0, true, deflated("hello")[2:]), bye),
			"+pong: text:hello close:1000"},
		{"a compressed continuation", cat(fr(ws.OpText, false, "a"), rsv(4, 0, deflated("b"))),
			"+close:1002"},
		{"a compressed ping", rsv(4, ws.OpPing, ""), "+close:1002"},
		{"corrupt", rsv(4, ws.OpText, "\xff\xff\xff"), "+close:1007"},
		{"too long when decompressed", rsv(4, ws.OpText, deflated(strings.Repeat("a", 70_001))),
			"+close:1009"},
		{"a bomb", rsv(4, ws.OpText, deflated(strings.Repeat("a", 1<<25))), "+close:1009"},
		{"no UTF-8 when decompressed", rsv(4, ws.OpText, deflated("\xff")), "+close:1007"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := aiowebsocket.Options{MaxMessage: 70_000}
			extra := ""
			want, compress := strings.CutPrefix(c.want, "+")
			if compress {
				o.Compress = true
				extra = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
			}
			s := onLoop(t, aiowebsocket.Handler(o, echo))
			addr := s.Listener.Addr().String()
			equal(t, "under OnLoop", raw(t, addr, extra, c.sent), want)
			run(t, underServe(t, o, func(addr string) {
				equal(t, "under Serve", raw(t, addr, extra, c.sent), want)
				if len(c.sent) < 300 {
					equal(t, "byte by byte", rawSlowly(t, addr, extra, c.sent), want)
				}
			}))
		})
	}
}
