package main

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// podcast is a site with a page for each episode, /185. It takes its time.
var podcast = aiohttp.HandlerFunc(func(
	ctx context.Context, w http.ResponseWriter, r *http.Request,
) error {
	n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
	if err != nil || n < 1 {
		http.NotFound(w, r)
		return nil
	}
	if err := aio.Sleep(ctx, delay(n)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return episodePage.Execute(w, struct {
		N     int
		Topic string
	}{n, topic(n)})
})

// delay is how long the site thinks about a page: between 100 and 500 milliseconds.
func delay(n int) time.Duration { return time.Duration(100+n*13%9*50) * time.Millisecond }

var episodePage = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html><head><title>Episode {{.N}} | The Podcast</title></head>
<body><header><a href="/">The Podcast</a></header>
{{if .Topic}}<h1 class="episode">
    Episode #{{.N}}:<br><em>{{.Topic}}</em>
</h1>{{else}}<p>This episode got lost.</p>{{end}}
<p>An hour of talk.</p></body></html>
`))

// topic is what an episode is about; one in thirteen got lost.
func topic(n int) string {
	if n%13 == 0 {
		return ""
	}
	things := []string{"Event loops", "Tides & lighthouses", "Sourdough", "Night trains",
		"Tuning pianos", "Maps of Mars", "Bees"}
	manners := []string{"from scratch", "for beginners", "in the wild", "at scale",
		"and their makers"}
	return fmt.Sprint(things[n%len(things)], " ", manners[n%len(manners)])
}
