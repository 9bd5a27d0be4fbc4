package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
	paste "github.com/aio-go/aio/internal/pages"
)

// A program that is copied out of the tour needs nothing of the tour.
func TestEachProgramThatIsCopiedOutCompilesInAModuleOfItsOwn(t *testing.T) {
	copied := map[string]string{}
	for _, p := range programs {
		got := tour("-source", p.name)
		if got.Code != cli.OK || got.Err != "" {
			t.Fatalf("%s: %+v", p.name, got)
		}
		copied[p.name] = got.Out
		if p.net {
			copied[p.name+"-net"] = tour("-source", "-net", p.name).Out
		}
	}
	for name, text := range copied {
		for _, helper := range []string{"examples/", "show", "s.print", "clock."} {
			if strings.Contains(text, helper) {
				t.Errorf("%s still has %q", name, helper)
			}
		}
	}
	paste.Vet(t, filepath.Join("..", ".."), copied)
}

func TestOnlyWithNetACopyAsksTheRealSites(t *testing.T) {
	for _, name := range []string{"session", "fetch"} {
		if here := tour("-source", name).Out; !strings.Contains(here, "aiohttp.Direct") {
			t.Errorf("%s asks the network:\n%s", name, here)
		}
		if real := tour("-source", "-net", name).Out; strings.Contains(real, "aiohttp.Direct") {
			t.Errorf("%s -net does not ask the network:\n%s", name, real)
		}
	}
	if here := tour("-source", "in-order").Out; !strings.Contains(here, "nameServer") {
		t.Errorf("in-order asks the network:\n%s", here)
	}
	if real := tour("-source", "-net", "in-order").Out; strings.Contains(real, "nameServer") {
		t.Errorf("in-order -net does not ask the network:\n%s", real)
	}
}

func TestEachProgramHasACounterpartInAsyncio(t *testing.T) {
	entries, err := os.ReadDir("python")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if byName(strings.TrimSuffix(e.Name(), ".py")) == nil {
			t.Errorf("there is no program for %s", e.Name())
		}
	}
	texts := map[string]string{}
	for _, p := range programs {
		got := tour("-python", p.name)
		if got.Code != cli.OK || !strings.HasPrefix(got.Out, "# ") {
			t.Errorf("%s: %+v", p.name, got)
		}
		texts[p.name] = got.Out
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python to compile them with")
	}
	input, err := json.Marshal(texts)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", "import json, sys\n"+
		"for name, text in json.load(sys.stdin).items(): compile(text, name, 'exec')")
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
