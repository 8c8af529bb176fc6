package vaultstore

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// quote percent-encodes as Python's urllib.parse.quote does: letters, digits
// and "_.-~/" stay (hvac's utils.format_url).
func quote(s string) string { return quoteIn(s, "_.-~/") }

// quoteIn percent-encodes all but letters, digits and the bytes of safe.
func quoteIn(s, safe string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte(safe, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// join makes one path of an address and a quoted path as hvac's
// RawAdapter.request and urljoin do: no slash twice in path, none at the ends
// of either.
func join(address, path string) string {
	return strings.Trim(address, "/") + "/" + cleanPath(path)
}

func cleanPath(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return strings.Trim(path, "/")
}

// parse makes a URL of a joined address and path, with "." and ".." resolved:
// urllib3 does so before anything is sent, so an id may climb out of its base
// path. A query of the address swallows the path, as by requests.
func parse(joined string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(joined, "://")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	path, _, _ := strings.Cut(rest[end:], "#")
	path, query, _ := strings.Cut(path, "?")
	u, err := url.Parse(scheme + "://" + rest[:end])
	if err != nil {
		return nil, errors.New("the address is not a URL") // url.Error would quote user info
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the address is not of the form https://HOST:PORT")
	}
	u.RawPath, u.RawQuery = removeDots(requote(path, "")), requote(query, "?")
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return nil, errors.New("the address has a path that is not percent-encoded")
	}
	return u, nil
}

// requote is what urllib3's parse_url and requests' requote_uri make of one
// part of a URL: an encoded letter, digit or one of "-._~" is decoded, what may
// not stand in a URL is encoded, and each "%" too where one of them encodes
// nothing. The characters of more may stand there as well.
func requote(part, more string) string {
	for i := range len(part) {
		if _, ok := triple(part[i:]); part[i] == '%' && !ok {
			part = strings.ReplaceAll(part, "%", "%25")
			break
		}
	}
	var b strings.Builder
	for i := 0; i < len(part); i++ {
		if c, ok := triple(part[i:]); ok {
			b.WriteString(quoteIn(string([]byte{c}), "-._~"))
			i += 2
			continue
		}
		b.WriteString(quoteIn(part[i:i+1], "!$&'()*+,/:;=@~-._"+more))
	}
	return b.String()
}

// triple is the byte that "%XX" at the start of s stands for.
func triple(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	return byte(n), err == nil
}

// removeDots resolves dot segments (RFC 3986, section 5.2.4) as urllib3's
// _remove_path_dot_segments does.
func removeDots(path string) string {
	segments := strings.Split(path, "/")
	var out []string
	for _, s := range segments {
		switch s {
		case ".":
		case "..":
			if len(out) > 0 {
				out = out[:len(out)-1]
			}
		default:
			out = append(out, s)
		}
	}
	if strings.HasPrefix(path, "/") && (len(out) == 0 || out[0] != "") {
		out = append([]string{""}, out...)
	}
	if strings.HasSuffix(path, "/.") || strings.HasSuffix(path, "/..") {
		out = append(out, "")
	}
	return strings.Join(out, "/")
}

// safeURL is a URL as hvac's exceptions have it, without user info. No message of
// airlock's shows it.
func safeURL(joined string) string {
	u, err := url.Parse(joined)
	if err != nil {
		return "(no URL)"
	}
	if u.User == nil {
		return joined
	}
	u.User = nil
	return u.String()
}
