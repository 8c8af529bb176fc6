package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// load reads path over a number of kept connections for a time and returns the
// good answers per second. It writes one prepared request and reads only what
// it must of the answer, so that the generator takes little of the machine.
func load(ctx context.Context, addr, path, token string, conns int, how time.Duration) (float64, error) {
	host := strings.TrimPrefix(addr, "http://")
	request := []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nX-Vault-Token: " + token + "\r\nX-Vault-Request: true\r\n\r\n")
	var (
		answers atomic.Int64
		end     atomic.Bool
	)
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for range conns {
		group.Go(func() error {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
			if err != nil {
				return err
			}
			n, err := readUntil(conn, request, &end)
			answers.Add(n)
			return errors.Join(err, conn.Close())
		})
	}
	group.Go(func() error {
		select {
		case <-time.After(how):
		case <-ctx.Done():
		}
		end.Store(true)
		return nil
	})
	err := group.Wait()
	return float64(answers.Load()) / time.Since(begin).Seconds(), err
}

// readUntil sends the request again and again over one connection.
func readUntil(conn net.Conn, request []byte, end *atomic.Bool) (int64, error) {
	in := bufio.NewReader(conn)
	for n := int64(0); ; n++ {
		if end.Load() {
			return n, nil
		}
		if _, err := conn.Write(request); err != nil {
			return n, err
		}
		if err := readAnswer(in); err != nil {
			return n, err
		}
	}
}

// readAnswer reads one HTTP/1.1 answer of status 200 with a Content-Length.
func readAnswer(in *bufio.Reader) error {
	status, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("the server answers %q", status)
	}
	length := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the server's answer has no Content-Length")
	}
	_, err = io.CopyN(io.Discard, in, int64(length))
	return err
}
