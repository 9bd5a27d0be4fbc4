// Package typed has an API of typed handlers, with huma over aiohttp. huma checks what comes in
// against the types, answers 422 where it does not fit, and describes the API in OpenAPI 3.1. It
// needs no adapter: handlers are tasks, and may await with the context that they get.
package typed

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/aio-go/aio/aiosync"
)

// Shelf is books that belong to the loop. Its handlers share them without a mutex.
type Shelf struct {
	books   map[string]Book
	changed aiosync.Event
}

// Book is a book, in requests and answers.
type Book struct {
	Title string `json:"title" minLength:"1" doc:"what is on the cover"`
	Pages int    `json:"pages" minimum:"1" maximum:"10000"`
}

// Handler is the API under /books, with its description under /openapi.json and a page for people
// under /docs.
func (s *Shelf) Handler() http.Handler {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("Shelf", "1.0.0"))
	huma.Put(api, "/books/{isbn}", s.put)
	huma.Get(api, "/books/{isbn}", s.get)
	return mux
}

type putRequest struct {
	ISBN string `path:"isbn" pattern:"^[0-9]{10}([0-9]{3})?$"`
	Body Book
}

func (s *Shelf) put(_ context.Context, in *putRequest) (*struct{}, error) {
	if s.books == nil {
		s.books = map[string]Book{}
	}
	s.books[in.ISBN] = in.Body
	s.changed.Set()
	s.changed.Clear()
	return nil, nil
}

type getRequest struct {
	ISBN string `path:"isbn"`
	Wait bool   `query:"wait" doc:"wait until the book is there"`
}

type getAnswer struct{ Body Book }

func (s *Shelf) get(ctx context.Context, in *getRequest) (*getAnswer, error) {
	for {
		if b, ok := s.books[in.ISBN]; ok {
			return &getAnswer{b}, nil
		}
		if !in.Wait {
			return nil, huma.Error404NotFound("there is no such book")
		}
		if err := s.changed.Wait(ctx); err != nil { // suspends the task
			return nil, err
		}
	}
}
