package aiotest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/aio-go/aio"
)

func randomKey(r *rand.Rand) aio.EntryKey {
	kinds := []aio.EntryKind{
		aio.EntryStep,
		aio.EntryCallback,
		aio.EntryTimer,
		aio.EntryDeadline,
		aio.EntryPost,
		aio.EntryEvent,
	}
	return aio.EntryKey{Kind: kinds[r.IntN(len(kinds))], ID: r.Uint32()}
}

func randomToken(r *rand.Rand, n int) token {
	k := token{
		test:   testMark("TestX", 1),
		level:  documented + level(r.IntN(2)),
		strike: strike{at: r.IntN(3)},
	}
	if k.strike.at > 0 {
		k.strike.after = []int{0, r.IntN(100), whenReady}[r.IntN(3)]
	}
	for range n {
		then := randomKey(r)
		if r.IntN(5) == 0 {
			then = timePasses
		}
		k.taken = append(k.taken, departure{point{randomKey(r), r.IntN(1000)}, then})
	}
	return k
}

func TestATokenIsReadAsItWasWritten(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		k := randomToken(r, r.IntN(6))
		if got, err := parseToken(k.String()); err != nil || !reflect.DeepEqual(got, k) {
			t.Fatalf("%s became %s, %v", k, got, err)
		}
	}
}

func TestALongTokenGoesToAFile(t *testing.T) {
	t.Chdir(t.TempDir())
	k := randomToken(rand.New(rand.NewPCG(1, 1)), 100)
	name := k.save("TestX/a:b")
	if name != "@testdata/aiotest/TestX_a_b-"+k.test+".schedule" {
		t.Fatal(name)
	}
	t.Setenv("AIO_REPLAY", name)
	if got, err := replayed(); err != nil || !reflect.DeepEqual(*got, k) {
		t.Errorf("%v, %v", got, err)
	}
	if err := os.RemoveAll("testdata"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata", nil, 0o600); err != nil { // no folder can be made
		t.Fatal(err)
	}
	if got := k.save("TestX"); got != k.String() {
		t.Errorf("got %.40s", got)
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("2-4f2a-e-2.1:3-3.2:c1")
	f.Add("2-4f2a-d-!5-2.1:w0")
	f.Add("2-4f2a-d-!5+3-2.1:w0")
	f.Add("2-4f2a-d-!5r-2.1:w0")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := parseToken(text)
		if err != nil {
			return
		}
		if again, err := parseToken(k.String()); err != nil || fmt.Sprint(again) != fmt.Sprint(k) {
			t.Errorf("%q became %q, %v", text, strings.TrimSpace(k.String()), err)
		}
	})
}
