package suite_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// The libraries around asyncio that books and courses name each have a row that leads somewhere:
// to a name that exists, which TestEveryNameInTheDocumentsExists checks, and to a page that exists,
// which TestEveryLinkInTheDocumentsLeadsSomewhere checks.
func TestEachLibraryAroundAsyncioLeadsSomewhere(t *testing.T) {
	t.Chdir(root)
	text, err := os.ReadFile("docs/guide/names.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for name := range strings.SplitSeq(cells[1], ", ") {
				name, _, _ = strings.Cut(strings.TrimSpace(name), " ")
				rows[name] = cells[2]
			}
		}
	}
	target := regexp.MustCompile(`\]\([^)]+\)`)
	for _, name := range []string{
		"aiohttp", "httpx", "FastAPI", "Starlette", "uvloop", "aiofiles", "aiosqlite", "asyncpg",
		"aioredis", "aiokafka", "motor", "pyzmq", "aiomqtt", "websockets", "aiojobs", "async_lru",
		"aiostream", "aioprocessing", "aioconsole", "trio", "curio", "anyio",
	} {
		if !target.MatchString(rows[name]) {
			t.Errorf("%s leads nowhere: %q", name, rows[name])
		}
	}
}
