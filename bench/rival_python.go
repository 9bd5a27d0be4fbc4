package main

import (
	"context"
	_ "embed"
	"errors"
	"os/exec"
	"path/filepath"
	"runtime"
)

var (
	//go:embed rival_python.py
	pythonScript string
	//go:embed net_rival.py
	netPythonScript string
)

// pythonEntrant is an event loop of Python: asyncio, uvloop or trio. All three run on one
// interpreter, so that they can be compared: that of the virtual environment in the cache directory
// if there is one, else python3.
func pythonEntrant(name string) *entrant {
	return &entrant{name: name, budget: smallBudget, command: pythonCommand(pythonScript, name)}
}

// netPythonEntrant is asyncio or uvloop in the suite net.
func netPythonEntrant(name string) *entrant {
	return &entrant{name: name, command: pythonCommand(netPythonScript, name), collects: true}
}

func pythonCommand(script, name string) func(ctx context.Context, procs int) *exec.Cmd {
	return func(ctx context.Context, _ int) *exec.Cmd {
		python := "python3"
		if own, err := venvPython(); err == nil && exists(own) {
			python = own
		}
		return exec.CommandContext(ctx, python, "-c", script, name)
	}
}

// installPython makes the virtual environment with uvloop and trio.
func installPython(ctx context.Context) error {
	python, err := venvPython()
	if err != nil {
		return err
	}
	dir := filepath.Dir(filepath.Dir(python))
	if !exists(python) {
		if err := command(ctx, "", "python3", "-m", "venv", dir); err != nil {
			return err
		}
	}
	// One at a time: that one cannot be built here does not keep the other out.
	var errs []error
	for _, name := range []string{"uvloop", "trio"} {
		errs = append(errs, command(ctx, "", python, "-m", "pip", "install", "--quiet",
			"--disable-pip-version-check", name))
	}
	return errors.Join(errs...)
}

// venvPython is the interpreter of the virtual environment.
func venvPython() (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "windows" {
		return filepath.Join(dir, "python", "Scripts", "python.exe"), nil
	}
	return filepath.Join(dir, "python", "bin", "python3"), nil
}
