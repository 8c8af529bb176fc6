package vaultstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/vectors"
	"github.com/airlock-secrets/airlock/internal/wire/vault"
)

// FuzzURL: an id never changes which server is asked, what is sent is what is
// meant, and no password is shown.
func FuzzURL(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.LookupPaths) {
		switch {
		case strings.HasPrefix(text, "http"):
			f.Add(text, "variables/x")
		case len(text) < 100:
			f.Add("https://vault.example.com:8200", text)
		}
	}
	for _, path := range []string{"../../../../etc", "a//b/./c/..", "%2e%2e/%2f", "%", "%zz%25", "a?b=c#d", "@evil.example/x", "\\evil", "\r\nHost: x", "é ", "//evil.example"} {
		f.Add("https://u:CANARY@vault.example.com:8200/base?q=1#f", path)
	}
	f.Fuzz(func(t *testing.T, address, path string) {
		const own = "https://vault.example.com:8200"
		u, err := parse(join(own, "v1/"+quote(path)))
		if err != nil || u.Scheme+"://"+u.Host != own || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			t.Fatalf("the path %q is asked at %v, %v", path, u, err)
		}
		asIs, err := parse(join(own, path))
		if err == nil && asIs.Host != u.Host {
			t.Errorf("the path %q is asked at %v", path, asIs)
		}
		if u, err = parse(join(address, quote(path))); err != nil {
			if strings.Contains(err.Error(), "CANARY") {
				t.Errorf("the error for %q is %v", address, err)
			}
			return
		}
		if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			t.Errorf("%q is asked at %v", address, u)
		}
		for segment := range strings.SplitSeq(u.EscapedPath(), "/") {
			if segment == "." || segment == ".." {
				t.Errorf("%q and %q are asked at %v", address, path, u)
			}
		}
		if u.EscapedPath() != u.RawPath && u.RawPath != "" {
			t.Errorf("%q and %q ask for %q, which is sent as %q", address, path, u.RawPath, u.EscapedPath())
		}
		for part, more := range map[string]string{u.RawPath: "", u.RawQuery: "?"} {
			if again := requote(part, more); again != part {
				t.Errorf("%q is quoted again as %q", part, again)
			}
		}
		if u.User != nil {
			if password, ok := u.User.Password(); ok && password != "" {
				shown, err := url.Parse(safeURL(join(address, path)))
				if err == nil && shown.User != nil {
					t.Errorf("%q is shown as %v", address, shown)
				}
			}
		}
	})
}

// FuzzDecode reads any answer of a server: what Go and Python both take for
// JSON is the same to either reader, and nothing of an answer is in an error.
func FuzzDecode(f *testing.F) {
	for _, text := range vectors.Texts(f, vectors.StoreValues) {
		f.Add([]byte(text))
	}
	for _, text := range []string{`{"data": {"data": {"a": NaN}, "metadata": {"version": 1}}}`, `{"data": 1} x`, "[]", "null", `{"data":`, `{"data": -Infinity}`, `{"data": "\ud800"}`,
		"\xef\xbb\xbf{}", `{"data": {"data": {"CANARY": nan}}}`, `{"data": {"a": 1e999}, "data": 2}`, "{\"data\": \"\x00\"}", " {} "} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var said vault.Response
		var kv vault.KVData
		for _, into := range []any{&said, &kv} {
			err := decode(body, into)
			var shape *shapeError
			if err != nil && !errors.Is(err, errNotJSON) && !errors.As(err, &shape) {
				t.Errorf("%q: %v", body, err)
			}
			if err != nil && strings.Contains(err.Error(), "CANARY") {
				t.Errorf("an error has a piece of the answer: %v", err)
			}
		}
		if said.Data == nil {
			return
		}
		if !json.Valid(said.Data) {
			if _, err := pyjson.Decode(string(said.Data)); err != nil {
				t.Errorf("%q has the data %q: %v", body, said.Data, err)
			}
			return
		}
		if !utf8.Valid(body) || bytes.ContainsRune(body, '\\') || !bytes.Equal(bytes.ToLower(body), body) {
			return // Go reads a lone surrogate, and a name in capital letters, in ways of its own
		}
		want, err := pyjson.Decode(string(body))
		if object, ok := want.(*pyjson.Object); err == nil && ok {
			data, known := object.Get("data")
			got, err := pyjson.Decode(string(said.Data))
			if known && (err != nil || pyjson.Encode(got) != pyjson.Encode(data)) {
				t.Errorf("the data of %q is %q to Go, %q to Python", body, said.Data, pyjson.Encode(data))
			}
		}
	})
}
