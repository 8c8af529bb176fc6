package airflow

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// splitURL is what Python 3.11's urllib.parse.urlsplit returns, the fragment
// left out.
type splitURL struct {
	scheme, netloc, path, query string
}

// urlsplit splits as Python does, which is not as package net/url does: almost
// everything is accepted, and nothing is decoded.
func urlsplit(url string) (splitURL, error) {
	var u splitURL
	url = strings.TrimLeftFunc(url, func(r rune) bool { return r <= ' ' })
	url = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(url)
	if i := strings.IndexByte(url, ':'); i > 0 && isScheme(url[:i]) {
		u.scheme, url = strings.ToLower(url[:i]), url[i+1:]
	}
	if rest, ok := strings.CutPrefix(url, "//"); ok {
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		u.netloc, url = rest[:end], rest[end:]
		if err := checkBrackets(u.netloc); err != nil {
			return u, err
		}
	}
	url, _, _ = strings.Cut(url, "#")
	u.path, u.query, _ = strings.Cut(url, "?")
	return u, checkNetloc(u.netloc)
}

// isScheme reports whether s is a letter and then letters, digits, + - or dot.
func isScheme(s string) bool {
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return false
		}
	}
	return true
}

// checkBrackets refuses brackets anywhere in the authority that hold no IPv6
// address.
func checkBrackets(netloc string) error {
	const remedy = ": write an IPv6 host as [::1], and percent-encode brackets in a password as %5B and %5D"
	open, shut := strings.Contains(netloc, "["), strings.Contains(netloc, "]")
	if open != shut {
		return fail("ValueError", "the authority of the connection URI has an unbalanced bracket"+remedy, "Invalid IPv6 URL")
	}
	if !open {
		return nil
	}
	_, after, _ := strings.Cut(netloc, "[")
	host, _, _ := strings.Cut(after, "]")
	if strings.HasPrefix(host, "v") {
		if !isIPvFuture(host) {
			return fail("ValueError", "the brackets in the connection URI hold a malformed IPvFuture address"+remedy,
				"IPvFuture address is invalid")
		}
		return nil
	}
	ip, err := netip.ParseAddr(host)
	if addr, zone, zoned := strings.Cut(host, "%"); zoned && (strings.Contains(zone, "%") || !strings.Contains(addr, ":")) {
		return notAnAddress(host, remedy)
	}
	switch {
	case err != nil:
		return notAnAddress(host, remedy)
	case ip.Is4():
		return fail("ValueError", "the brackets in the connection URI hold an IPv4 address: leave the brackets out",
			"An IPv4 address cannot be in brackets")
	}
	return nil
}

func notAnAddress(host, remedy string) error {
	return fail("ValueError", "the brackets in the connection URI do not hold an IPv6 address"+remedy,
		pyjson.Repr(host)+" does not appear to be an IPv4 or IPv6 address")
}

// isIPvFuture is the pattern \Av[a-fA-F0-9]+\..+\Z, whose dot takes no line
// break: those have been removed.
func isIPvFuture(host string) bool {
	version, rest, ok := strings.Cut(host[1:], ".")
	for _, c := range []byte(version) {
		if unhex(c) < 0 {
			return false
		}
	}
	return ok && version != "" && rest != ""
}

// delimitersInDisguise holds the characters whose NFKC form has one of /?#@:
// in it. It is what Python 3.11 prints for
//
//	"".join(chr(c) for c in range(0x80, 0x110000) if set(unicodedata.normalize("NFKC", chr(c))) & set("/?#@:"))
//
// No composition makes or removes these five, so one character at a time is
// enough.
const delimitersInDisguise = "\u2047\u2048\u2049\u2100\u2101\u2105\u2106\u2a74\ufe13\ufe16\ufe55\ufe56\ufe5f\ufe6b\uff03\uff0f\uff1a\uff1f\uff20"

func checkNetloc(netloc string) error {
	if !strings.ContainsAny(netloc, delimitersInDisguise) {
		return nil
	}
	return fail("ValueError", "the authority of the connection URI has a character that normalises into one of / ? # @ : "+
		"(such as a full-width colon): percent-encode it or write the plain one",
		"netloc '"+netloc+"' contains invalid characters under NFKC normalization")
}

// userinfo returns login and password as they stand, nil where there is none.
func (u splitURL) userinfo() (login, password any) {
	i := strings.LastIndexByte(u.netloc, '@')
	if i < 0 {
		return nil, nil
	}
	name, pw, ok := strings.Cut(u.netloc[:i], ":")
	if !ok {
		return name, nil
	}
	return name, pw
}

// hostinfo returns the host and the port as they stand.
func (u splitURL) hostinfo() (host, port string) {
	info := u.netloc[strings.LastIndexByte(u.netloc, '@')+1:]
	if _, bracketed, ok := strings.Cut(info, "["); ok {
		host, rest, _ := strings.Cut(bracketed, "]")
		_, port, _ = strings.Cut(rest, ":")
		return host, port
	}
	host, port, _ = strings.Cut(info, ":")
	return host, port
}

// hostname is the host in lower case, up to its first percent sign: that is
// where the zone of an IPv6 address begins, but so does any escape.
func (u splitURL) hostname() string {
	host, _ := u.hostinfo()
	plain, escaped, ok := strings.Cut(host, "%")
	if !ok {
		return lower(plain)
	}
	return lower(plain) + "%" + escaped
}

// port returns the port as an int64, or nil where there is none.
func (u splitURL) port() (any, error) {
	_, text := u.hostinfo()
	if text == "" {
		return nil, nil
	}
	const remedy = ": write host:port, and percent-encode / ? # in the password as %2F %3F %23"
	for _, r := range text {
		if r < '0' || r > '9' {
			return nil, fail("ValueError", "the port in the connection URI is not a number"+remedy,
				"Port could not be cast to integer value as "+pyjson.Repr(text))
		}
	}
	if len(text) > 4300 {
		return nil, fail("ValueError", "the port in the connection URI is out of range 0-65535"+remedy, pyjson.DigitsError(len(text)))
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n > 65535 {
		return nil, fail("ValueError", "the port in the connection URI is out of range 0-65535"+remedy, "Port out of range 0-65535")
	}
	return n, nil
}
