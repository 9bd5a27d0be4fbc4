package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

func processors() int { return runtime.GOMAXPROCS(0) }

// parseStages takes a pipeline apart: commands at |, and each into words, which may be quoted as
// for a shell.
func parseStages(line string) ([][]string, error) {
	var stages [][]string
	var words []string
	var word strings.Builder
	inWord := false
	endWord := func() {
		if inWord {
			words = append(words, word.String())
			word.Reset()
			inWord = false
		}
	}
	for rest := line; rest != ""; {
		c := rest[0]
		switch {
		case c == ' ' || c == '\t' || c == '\n':
			endWord()
		case c == '|':
			endWord()
			if len(words) == 0 {
				return nil, fmt.Errorf("there is no command before | in %q", line)
			}
			stages, words = append(stages, words), nil
		case c == '\'':
			text, after, closed := strings.Cut(rest[1:], "'")
			if !closed {
				return nil, fmt.Errorf("a ' is not closed in %q", line)
			}
			word.WriteString(text)
			inWord, rest = true, after
			continue
		case c == '"':
			after, err := doubleQuoted(&word, rest[1:])
			if err != nil {
				return nil, fmt.Errorf("%w in %q", err, line)
			}
			inWord, rest = true, after
			continue
		case c == '\\':
			if len(rest) == 1 {
				return nil, fmt.Errorf("%q ends with a backslash", line)
			}
			word.WriteByte(rest[1])
			inWord, rest = true, rest[2:]
			continue
		case strings.IndexByte("<>&;$`*?()", c) >= 0:
			return nil, fmt.Errorf("%q would mean something to a shell, but this is none: quote "+
				"it, or make it a command of sh -c '...'", c)
		default:
			word.WriteByte(c)
			inWord = true
		}
		rest = rest[1:]
	}
	endWord()
	if len(words) == 0 {
		return nil, errors.New("there is no command at the end of the pipeline")
	}
	return append(stages, words), nil
}

// doubleQuoted reads up to the closing quote and returns what follows it.
func doubleQuoted(word *strings.Builder, rest string) (string, error) {
	for rest != "" {
		switch c := rest[0]; {
		case c == '"':
			return rest[1:], nil
		case c == '$' || c == '`':
			return "", fmt.Errorf("%q between double quotes would mean something to a shell; "+
				"use single ones", c)
		case c == '\\' && len(rest) > 1 && strings.IndexByte("\\\"$`", rest[1]) >= 0:
			word.WriteByte(rest[1])
			rest = rest[2:]
		default:
			word.WriteByte(c)
			rest = rest[1:]
		}
	}
	return "", errors.New("a \" is not closed")
}

// template is the command of each.
type template struct {
	words []string
	shell bool
}

func newTemplate(command string, shell bool) (*template, error) {
	if shell {
		if strings.TrimSpace(command) == "" {
			return nil, errors.New("each needs a command")
		}
		line := strings.ReplaceAll(command, "{}", `"$1"`)
		if line == command {
			line += ` "$1"`
		}
		return &template{words: []string{"sh", "-c", line, "sh", "{}"}, shell: true}, nil
	}
	stages, err := parseStages(command)
	if err != nil {
		return nil, err
	}
	if len(stages) > 1 {
		return nil, errors.New("each runs one command, not a pipeline; with -shell it may be one")
	}
	t := &template{words: stages[0]}
	if !strings.Contains(strings.Join(t.words, " "), "{}") {
		t.words = append(t.words, "{}")
	}
	return t, nil
}

// fill returns the command for an item.
func (t *template) fill(item string) []string {
	words := make([]string, len(t.words))
	for i, w := range t.words {
		words[i] = w
		if !t.shell || i == len(t.words)-1 {
			words[i] = strings.ReplaceAll(w, "{}", item)
		}
	}
	return words
}
