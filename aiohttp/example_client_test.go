package aiohttp_test

import (
	"bufio"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"time"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/aiohttp"
)

// A time for each try lets a request go on after one that got stuck.
func ExampleTriesError() {
	calls := 0
	moody := aiohttp.HandlerFunc(func(
		ctx context.Context, w http.ResponseWriter, r *http.Request,
	) error {
		calls++
		if r.URL.Path == "/never" || calls == 1 {
			return aio.Sleep(ctx, time.Hour)
		}
		return nil
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{
			Transport: aiohttp.Direct(moody),
			Retry:     aiohttp.Retry{Attempts: 3, Timeout: 2 * time.Second},
		}
		defer c.Close()
		r, err := c.Get(ctx, "http://moody/")
		if err != nil {
			return err
		}
		r.Close()
		fmt.Println(r.Status, "at try", r.Tries)

		_, err = c.Get(ctx, "http://moody/never")
		var tries *aiohttp.TriesError
		if errors.As(err, &tries) {
			fmt.Println(tries.Tries, "tries:", tries.Err)
		}
		return nil
	}, aio.WithClock(aio.NewVirtualClock()))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 200 OK at try 2
	// 3 tries: aiohttp: no answer within 2s, the time for one try
}

// A program that fetches what strangers name lets them reach public addresses only.
func ExampleReach() {
	inside := weather()
	defer inside.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{Reach: aiohttp.PublicOnly}
		defer c.Close()
		_, err := c.Get(ctx, inside.URL)
		fmt.Println(errors.Is(err, aiohttp.ErrReach))
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: true
}

func ExampleClient_Statistics() {
	site := weather()
	defer site.Close()
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		var c aiohttp.Client
		defer c.Close()
		r, err := c.Get(ctx, site.URL+"/rome")
		if err != nil {
			return err
		}
		fmt.Println("open:", c.Statistics().Open)
		r.Close()
		fmt.Println("open:", c.Statistics().Open)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// open: 1
	// open: 0
}

// The beginning of a line that is too long comes with the error.
func ExampleResponse_Lines() {
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "short\nfar too long\n")
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{Transport: aiohttp.Direct(site), MaxLine: 7}
		defer c.Close()
		r, err := c.Get(ctx, "http://lines/")
		if err != nil {
			return err
		}
		defer r.Close()
		for line, err := range r.Lines(ctx) {
			fmt.Printf("%q %v\n", line, errors.Is(err, bufio.ErrTooLong))
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// "short\n" false
	// "far too" true
}

// A form with a file is sent in pieces, and read in pieces.
func ExampleClient_UploadForm() {
	h := aiohttp.HandlerFunc(func(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
		parts, err := r.MultipartReader()
		if err != nil {
			return err
		}
		for {
			part, err := parts.NextPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			n, err := io.Copy(io.Discard, part) // reading suspends the task
			if err != nil {
				return err
			}
			fmt.Fprintln(w, part.FormName(), part.FileName(), n)
		}
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := &aiohttp.Client{Transport: aiohttp.Direct(h)}
		defer c.Close()
		r, err := c.UploadForm(ctx, "http://archive/", func(ctx context.Context, form *multipart.Writer) error {
			if err := form.WriteField("title", "Emma"); err != nil {
				return err
			}
			file, err := form.CreateFormFile("text", "emma.txt")
			if err != nil {
				return err
			}
			_, err = io.WriteString(file, "Emma Woodhouse, handsome, clever, and rich")
			return err
		})
		if err != nil {
			return err
		}
		text, err := r.Text(ctx)
		fmt.Print(text)
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// title  4
	// text emma.txt 42
}

// A coding of the program's own: deflate as net/http does not know it. For br and zstd there is
// module aiocodings.
func ExampleDecoder() {
	packed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "deflate")
		z := zlib.NewWriter(w)
		fmt.Fprintf(z, "accepted: %s", r.Header.Get("Accept-Encoding"))
		z.Close()
	})
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		c := aiohttp.Client{
			Transport: aiohttp.Direct(packed),
			Decoders:  map[string]aiohttp.Decoder{"deflate": zlib.NewReader},
		}
		defer c.Close()
		r, err := c.Get(ctx, "http://packed/")
		if err != nil {
			return err
		}
		text, err := r.Text(ctx)
		fmt.Println(text, err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// accepted: deflate, gzip <nil>
}
