package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// genrenator answers /genre/N with an unheard-of genre of music, as a JSON string. It takes its
// time.
var genrenator = aiohttp.HandlerFunc(func(
	ctx context.Context, w http.ResponseWriter, r *http.Request,
) error {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/genre/"))
	if err != nil || n < 0 {
		http.NotFound(w, r)
		return nil
	}
	if err := aio.Sleep(ctx, delay(n)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(genre(n))
})

// delay is how long the server thinks about document n: between 100 and 400 milliseconds.
func delay(n int) time.Duration { return time.Duration(100+n*7%10*100/3) * time.Millisecond }

var (
	manners = []string{"deep", "neo", "acoustic", "symphonic", "industrial", "melodic", "post"}
	venues  = []string{"Alpine", "harbour", "midnight", "desert", "suburban", "Baltic", "orbital",
		"cellar", "prairie"}
	styles = []string{"jazz", "polka", "techno", "blues", "funk", "choir", "waltz", "dub"}
)

func genre(n int) string {
	return manners[n*3%len(manners)] + " " + venues[n*5%len(venues)] + " " + styles[n*7%len(styles)]
}
