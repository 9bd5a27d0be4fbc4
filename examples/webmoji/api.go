package main

import (
	"context"
	"encoding/json"
	"io"
	"iter"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/examples/internal/charindex"
)

// portion is how many characters are written between two looks at whether somebody else wants to
// go on.
const portion = 100

// question is what a search is asked. huma checks it, and refuses what does not fit with 422.
type question struct {
	Q     string `query:"q" maxLength:"200" example:"cat face" doc:"Words of the name."`
	Limit int    `query:"limit" minimum:"1" doc:"At most so many; default: all."`
}

// Resolve wants q to be there. It may be empty, which huma's tag required does not allow.
func (*question) Resolve(ctx huma.Context) []error {
	if u := ctx.URL(); !u.Query().Has("q") {
		return []error{&huma.ErrorDetail{
			Message: "required query parameter is missing", Location: "query.q"}}
	}
	return nil
}

// describeAPI puts the search on mux, and its description under /openapi.json.
func (a *app) describeAPI(mux *http.ServeMux) {
	config := huma.DefaultConfig("Mojifinder Web", "1.0.0")
	config.Info.Description = "Search for Unicode characters by name."
	config.DocsPath, config.SchemasPath = "", "" // its page for people loads scripts of others
	config.CreateHooks = nil                     // no links to schemas in answers
	api := humago.New(mux, config)
	list := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[[]char](), true, "")
	search := huma.Operation{
		OperationID: "search", Method: http.MethodGet, Path: "/search", Summary: "Search",
		Description: "The characters whose names have all the words, in the order of their codes.",
		Errors:      []int{http.StatusUnprocessableEntity},
		Responses: map[string]*huma.Response{"200": {
			Description: "The characters.",
			Headers: map[string]*huma.Param{"X-Total-Count": {
				Description: "How many there are without the limit.",
				Schema:      &huma.Schema{Type: huma.TypeInteger},
			}},
			Content: map[string]*huma.MediaType{"application/json": {
				Schema:  list,
				Example: []char{{"\U0001f431", "CAT FACE", "U+1F431"}},
			}},
		}},
	}
	huma.Register(api, search, a.search)
	api.OpenAPI().Paths["/search"].Get.Parameters[0].Required = true // see Resolve
}

// search answers with JSON. huma would make one value of it; this is written as it is found.
func (a *app) search(ctx context.Context, in *question) (*huma.StreamResponse, error) {
	_, total, err := a.find(ctx, in.Q, 0)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		out.SetHeader("Content-Type", "application/json")
		out.SetHeader("X-Total-Count", strconv.Itoa(total))
		limit := in.Limit
		if limit == 0 {
			limit = total
		}
		if writeList(out.Context(), out.BodyWriter(), a.index.All(in.Q), limit) != nil {
			panic(http.ErrAbortHandler) // the client must not take it for the whole list
		}
	}}, nil
}

// writeList writes the first of the characters as a JSON array. Each full buffer waits for the
// client, so no more than that is kept for a slow one. Between two buffers others have their turn.
func writeList(ctx context.Context, w io.Writer, found iter.Seq[charindex.Char], most int) error {
	separator, i := "[", 0
	for c := range found {
		if i == most {
			break
		}
		line, err := json.Marshal(describe(c))
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, separator+string(line)); err != nil {
			return err
		}
		separator = ",\n"
		if i++; i%portion == 0 {
			if err := aio.Yield(ctx); err != nil {
				return err
			}
		}
	}
	if i == 0 {
		_, err := io.WriteString(w, "[]\n")
		return err
	}
	_, err := io.WriteString(w, "]\n")
	return err
}
