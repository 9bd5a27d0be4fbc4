package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aio-go/aio/examples/internal/cli"
)

func TestWhereASiteWantsToSendUsIsShownWithoutSecrets(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(r.URL.Query().Get("to"), "WORD", "secret"))
		w.WriteHeader(http.StatusFound)
	}))
	defer site.Close()
	for _, to := range []string{`http:\\joe:WORD@h`, "http:///joe:WORD@h/", "//joe:WORD@h:bad/?k=WORD", "ftp://WORD@h/", "unix:/run/x?k=WORD#WORD", "http:joe:WORD@h"} {
		got := sitecheck(t.Context(), "-timeout", "10s", site.URL+"/?to="+strings.NewReplacer(`\`, "%5C", "#", "%23", "?", "%3F").Replace(to))
		if got.code != cli.Failed || strings.Contains(got.out+got.err, "secret") || !strings.Contains(got.out, "redirect to ") {
			t.Errorf("%s: %+v", to, got)
		}
	}
}
