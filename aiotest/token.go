package aiotest

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/aio-go/aio"
)

// A token names a schedule: version, test, level, await that is cancelled, departures.
//
//	2-4f2a-e-2.1:3-3.2:c1     at turn 1 of task 2 runs task 3; at turn 2 of task 3 callback 1
//	2-4f2a-d-!5               the documented order; the task in the fifth await is cancelled
//	2-4f2a-d-!5+3             ... after three more steps, or when the await is over
//	2-4f2a-d-!5r              ... when the await is over
type token struct {
	test   string
	level  level
	strike strike
	taken  []departure
}

const tokenVersion = "2"

// testMark is the part of a token for the name of a test, and for the place of the Explore in it.
func testMark(name string, n int) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s#%d", name, n)
	return fmt.Sprintf("%04x", h.Sum32()&0xffff)
}

// isOf reports whether the token is of an Explore of the test with this name.
func (k token) isOf(name string) bool {
	for n := 1; n <= 100; n++ {
		if testMark(name, n) == k.test {
			return true
		}
	}
	return false
}

func (k token) String() string {
	parts := []string{tokenVersion, k.test, k.level.letter()}
	if k.strike.at > 0 {
		parts = append(parts, k.strike.String())
	}
	for _, d := range k.taken {
		at := keyText(d.at.key)
		parts = append(parts, fmt.Sprintf("%s.%d:%s", at, d.at.turn, keyText(d.then)))
	}
	return strings.Join(parts, "-")
}

const kindLetters = "w\x00ctdpef" // of aio.EntryKind; a step has none, w is waiting

func keyText(k aio.EntryKey) string {
	if k.Kind == aio.EntryStep {
		return strconv.Itoa(int(k.ID))
	}
	return kindLetters[k.Kind:k.Kind+1] + strconv.Itoa(int(k.ID))
}

func parseToken(text string) (token, error) {
	parts := strings.Split(strings.TrimSpace(text), "-")
	if len(parts) < 2 {
		return token{}, fmt.Errorf("it has no parts")
	}
	if parts[0] != tokenVersion {
		return token{}, fmt.Errorf("its version is %q, known is %s", parts[0], tokenVersion)
	}
	if len(parts) < 3 {
		return token{}, fmt.Errorf("it names no level")
	}
	k := token{test: parts[1]}
	switch parts[2] {
	case documented.letter():
		k.level = documented
	case every.letter():
		k.level = every
	default:
		return token{}, fmt.Errorf("its level is %q, known are d and e", parts[2])
	}
	for _, p := range parts[3:] {
		if strings.HasPrefix(p, "!") {
			x, ok := parseStrike(p)
			if !ok {
				return token{}, fmt.Errorf("%q names no await", p)
			}
			k.strike = x
			continue
		}
		at, then, ok1 := strings.Cut(p, ":")
		key, turn, ok2 := strings.Cut(at, ".")
		n, err := strconv.Atoi(turn)
		d := departure{at: point{turn: n}}
		var ok3, ok4 bool
		d.at.key, ok3 = parseKey(key)
		d.then, ok4 = parseKey(then)
		if !ok1 || !ok2 || !ok3 || !ok4 || err != nil {
			return token{}, fmt.Errorf("%q is no departure", p)
		}
		k.taken = append(k.taken, d)
	}
	return k, nil
}

func parseKey(text string) (aio.EntryKey, bool) {
	kind := aio.EntryStep
	if text != "" && (text[0] < '0' || text[0] > '9') {
		i := strings.IndexByte(kindLetters, text[0])
		if i < 0 || i == int(aio.EntryStep) {
			return aio.EntryKey{}, false
		}
		kind, text = aio.EntryKind(i), text[1:]
	}
	n, err := strconv.ParseUint(text, 10, 32)
	return aio.EntryKey{Kind: kind, ID: uint32(n)}, err == nil
}

// longToken is how long a token may be that is printed; a longer one goes to a file.
const longToken = 300

// save returns the value for AIO_REPLAY: the token, or the name of a file with it.
func (k token) save(name string) string {
	text := k.String()
	if len(text) <= longToken {
		return text
	}
	clean := strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || r == ':' || r < ' ' {
			return '_'
		}
		return r
	}, name)
	file := filepath.Join("testdata", "aiotest", clean+"-"+k.test+".schedule")
	if os.MkdirAll(filepath.Dir(file), 0o777) != nil {
		return text
	}
	if os.WriteFile(file, []byte(text+"\n"), 0o666) != nil {
		return text
	}
	return "@" + file
}

// replayed returns the token of AIO_REPLAY, nil if it is not set.
func replayed() (*token, error) {
	text := os.Getenv("AIO_REPLAY")
	if text == "" {
		return nil, nil
	}
	if file, ok := strings.CutPrefix(text, "@"); ok {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		text = string(b)
	}
	k, err := parseToken(text)
	return &k, err
}
