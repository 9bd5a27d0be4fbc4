package cookbook_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"

	"github.com/aio-go/aio"
	"github.com/aio-go/aio/stream"
)

// sendMail hands a mail to a server. All of package net/smtp works on a connection of the loop:
// each of its reads and writes suspends only the task.
func sendMail(ctx context.Context, address, from, to, text string) error {
	r, w, err := stream.Open(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer w.Close()
	host, _, _ := net.SplitHostPort(address)
	client, err := smtp.NewClient(stream.NetConn(ctx, r, w), host)
	if err != nil {
		return err
	}
	if err := client.Mail(from); err != nil {
		return err
	}
	if err := client.Rcpt(to); err != nil {
		return err
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(body, text); err != nil {
		return err
	}
	if err := body.Close(); err != nil {
		return err
	}
	return client.Quit()
}

// mailbox is a mail server that is just good enough to try the client with.
func mailbox(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	fmt.Fprint(w, "220 mailbox\r\n")
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		command, _, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		switch command {
		case "DATA":
			fmt.Fprint(w, "354 go on\r\n")
			text, err := r.ReadUntil(ctx, []byte("\r\n.\r\n"))
			if err != nil {
				return err
			}
			fmt.Printf("received %q\n", strings.TrimSuffix(string(text), "\r\n.\r\n"))
			fmt.Fprint(w, "250 thank you\r\n")
		case "QUIT":
			fmt.Fprint(w, "221 goodbye\r\n")
			return nil
		default:
			fmt.Fprint(w, "250 yes\r\n")
		}
	}
	return nil
}

func Example_smtp() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", mailbox)
		if err != nil {
			return err
		}
		defer server.Close()
		address := server.Addrs()[0].String()
		err = sendMail(ctx, address, "ann@example.org", "bob@example.org", "Subject: hi\r\n\r\nDinner?")
		fmt.Println("sent:", err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// received "Subject: hi\r\n\r\nDinner?"
	// sent: <nil>
}

// ftpGet reads a file from an FTP server. The commands go over one connection, by net/textproto;
// the file comes over another.
func ftpGet(ctx context.Context, address, path string) ([]byte, error) {
	r, w, err := stream.Open(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	conn := stream.NetConn(ctx, r, w)
	answers := textproto.NewReader(bufio.NewReader(conn))
	command := func(text string, code int) (string, error) {
		if text != "" {
			fmt.Fprintf(conn, "%s\r\n", text)
		}
		_, message, err := answers.ReadResponse(code)
		return message, err
	}
	for _, step := range []struct {
		text string
		code int
	}{{"", 220}, {"USER anonymous", 331}, {"PASS guest", 230}, {"TYPE I", 200}} {
		if _, err := command(step.text, step.code); err != nil {
			return nil, err
		}
	}
	message, err := command("EPSV", 229) // the server names a port for the file
	if err != nil {
		return nil, err
	}
	var port int
	_, found, _ := strings.Cut(message, "(|||")
	if _, err := fmt.Sscanf(found, "%d|)", &port); err != nil {
		return nil, fmt.Errorf("no port in %q", message)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	file, fileWriter, err := stream.Open(ctx, "tcp", net.JoinHostPort(host, fmt.Sprint(port)))
	if err != nil {
		return nil, err
	}
	defer fileWriter.Close()
	if _, err := command("RETR "+path, 150); err != nil {
		return nil, err
	}
	content, err := file.ReadAll(ctx)
	if err != nil {
		return nil, err
	}
	_, err = command("", 226) // the server says that the file was whole
	return content, err
}

// shelf is an FTP server with one file.
func shelf(ctx context.Context, r *stream.Reader, w *stream.Writer) error {
	file := func(ctx context.Context, _ *stream.Reader, w *stream.Writer) error {
		fmt.Fprint(w, "the content of the file\n")
		return nil
	}
	var files *stream.Server
	fmt.Fprint(w, "220 shelf\r\n")
	for line, err := range r.Lines(ctx) {
		if err != nil {
			return err
		}
		switch command, _, _ := strings.Cut(strings.TrimSpace(string(line)), " "); command {
		case "USER":
			fmt.Fprint(w, "331 password\r\n")
		case "PASS":
			fmt.Fprint(w, "230 welcome\r\n")
		case "TYPE":
			fmt.Fprint(w, "200 bytes\r\n")
		case "EPSV":
			if files, err = stream.Serve(ctx, "tcp", "127.0.0.1:0", file); err != nil {
				return err
			}
			defer files.Close()
			port := files.Addrs()[0].(*net.TCPAddr).Port
			fmt.Fprintf(w, "229 here (|||%d|)\r\n", port)
		case "RETR":
			fmt.Fprint(w, "150 it comes\r\n226 that was all\r\n")
		}
	}
	return nil
}

func Example_ftp() {
	err := aio.Run(context.Background(), func(ctx context.Context) error {
		server, err := stream.Serve(ctx, "tcp", "127.0.0.1:0", shelf)
		if err != nil {
			return err
		}
		defer server.Close()
		content, err := ftpGet(ctx, server.Addrs()[0].String(), "/pub/readme.txt")
		fmt.Printf("%q %v\n", content, err)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// "the content of the file\n" <nil>
}
