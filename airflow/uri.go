package airflow

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// extraKey is the query parameter that holds the whole extra field as text
// (Connection.EXTRA_KEY).
const extraKey = "__extra__"

// parseURIValue reads a uri parameter, which may be of any type.
func (c *Connection) parseURIValue(v any) error {
	switch v := v.(type) {
	case string:
		return c.parseURI(v)
	case []any:
		return fail("TypeError", "the connection's uri is not a string", "unhashable type: 'list'")
	}
	return fail("AttributeError", "the connection's uri is not a string", "'"+pyjson.TypeName(v)+"' object has no attribute 'count'")
}

// parseURI sets the fields from a connection URI (Connection.from_uri,
// Connection._parse_from_uri).
func (c *Connection) parseURI(uri string) error {
	schemes := strings.Count(uri, "://")
	if schemes > 2 {
		return c.invalidURI(uri, `more than two "://"`)
	}
	u, err := urlsplit(uri)
	if err != nil {
		return err
	}
	c.Type, _ = normalizeType(u.scheme)
	marker := "//"
	if schemes == 2 {
		marker = ""
	}
	// Every occurrence goes, wherever it is; a scheme in capitals is not
	// found and stays, because u.scheme is in lower case.
	rest := strings.ReplaceAll(uri, u.scheme+"://", marker)
	if schemes == 2 {
		if first, _, _ := strings.Cut(rest, "://"); strings.ContainsAny(first, "@:") {
			return c.invalidURI(uri, `a login, port or colon before its second "://"`)
		}
	}
	if u, err = urlsplit(rest); err != nil {
		return err
	}
	host := parseHost(u)
	if schemes == 2 && u.scheme != "" && host != "" {
		host = u.scheme + "://" + host
	}
	c.Host = host
	c.Schema = unquote(strings.TrimPrefix(u.path, firstCharacter(u.path)))
	return c.parseAuthority(u)
}

func firstCharacter(s string) string {
	_, size := pyjson.DecodeRune(s)
	return s[:size]
}

// parseAuthority sets login, password and port, and extra after them, in the
// order in which Airflow comes upon what is wrong.
func (c *Connection) parseAuthority(u splitURL) error {
	login, password := u.userinfo()
	if s, ok := login.(string); ok {
		c.Login = unquote(s)
	}
	if s, ok := password.(string); ok {
		c.Password = unquote(s)
	}
	if c.Reading == ORM {
		if err := c.setPassword(c.Password); err != nil {
			return err
		}
	}
	var err error
	if c.Port, err = u.port(); err != nil || u.query == "" {
		return err
	}
	return c.parseExtra(parseQuery(u.query))
}

// parseExtra sets extra from the query parameters.
func (c *Connection) parseExtra(query *pyjson.Object) error {
	extra, whole := query.Get(extraKey)
	if !whole && c.Reading == ORM {
		if err := decodeMembers(query); err != nil {
			return err
		}
	}
	if !whole {
		extra = pyjson.Encode(query)
	}
	if c.Reading == ORM {
		return c.setExtra(extra)
	}
	c.Extra = extra
	return nil
}

// decodeMembers parses every value that is JSON, as the ORM class does.
func decodeMembers(query *pyjson.Object) error {
	for _, key := range query.Keys() {
		v, _ := query.Get(key)
		if v == "" {
			continue
		}
		parsed, err := pyjson.Decode(v.(string))
		var e *pyjson.Error
		switch {
		case err == nil:
			query.Set(key, parsed)
		case errors.As(err, &e) && e.Type != "JSONDecodeError":
			return fail(e.Type, "a query value of the connection URI cannot be read as JSON: "+tooBig(e), e.Error())
		}
	}
	return nil
}

func (c *Connection) invalidURI(uri, why string) error {
	original := "Invalid connection string."
	if c.Reading == SDK {
		original = "Invalid connection string: " + uri + "."
	}
	return fail("AirflowException", "the connection URI has "+why+
		": percent-encode a :// inside a password or a query value as %3A%2F%2F, and write a login after the second ://", original)
}

// normalizeType is Connection._normalize_conn_type.
func normalizeType(v any) (any, error) {
	if v == "postgresql" {
		return "postgres", nil
	}
	dash, err := contains("-", v)
	if err != nil || !dash {
		return v, err
	}
	s, ok := v.(string)
	if !ok {
		return nil, noMethod(v, "replace")
	}
	return strings.ReplaceAll(s, "-", "_"), nil
}

// parseHost is _parse_netloc_to_hostname: the host, decoded; one that holds a
// slash is taken again from the authority, where it has its own case.
func parseHost(u splitURL) string {
	host := unquote(u.hostname())
	if !strings.Contains(host, "/") {
		return host
	}
	host = u.netloc[strings.LastIndexByte(u.netloc, '@')+1:]
	host, _, _ = strings.Cut(host, ":")
	return unquote(host)
}

// URI returns what get_uri() gives. It fails where Airflow fails: on a field
// that is no string, on text that cannot be encoded. An error is an *Error.
func (c *Connection) URI() (string, error) {
	extra, err := c.ExtraValue()
	if err != nil && c.Reading == SDK {
		return "", err // the SDK class parses extra first, the ORM class last
	}
	if c.Reading == ORM && pyjson.Truthy(c.Type) {
		if _, err := contains("_", c.Type); err != nil {
			return "", err
		}
	}
	uri, err2 := c.authority()
	if err2 != nil || !pyjson.Truthy(c.Extra) {
		return uri, err2
	}
	if err != nil {
		return "", err
	}
	if pyjson.Truthy(c.Schema) {
		uri += "?"
	} else {
		uri += "/?"
	}
	query, err := extraQuery(c.Extra, extra)
	if err != nil {
		return "", err
	}
	return uri + query, nil
}

// authority is the URI up to the schema.
func (c *Connection) authority() (string, error) {
	uri := "//"
	if pyjson.Truthy(c.Type) {
		s, ok := c.Type.(string)
		if !ok {
			return "", noMethod(c.Type, "lower")
		}
		uri = strings.ReplaceAll(lower(s), "_", "-") + "://"
	}
	protocol, host, err := c.hostParts()
	if err != nil {
		return "", err
	}
	login, err := c.loginBlock()
	if err != nil {
		return "", err
	}
	block := ""
	if pyjson.Truthy(host) {
		if block, err = quoteValue(host); err != nil {
			return "", err
		}
	}
	if pyjson.Truthy(c.Port) {
		if block == "" && login == "" {
			block = "@"
		}
		block += ":" + pyjson.Str(c.Port)
	}
	if pyjson.Truthy(c.Schema) {
		schema, err := quoteValue(c.Schema)
		if err != nil {
			return "", err
		}
		block += "/" + schema
	}
	return uri + protocol + login + block, nil
}

// hostParts splits the protocol, with its "://", from a host that has another
// one than the connection's type.
func (c *Connection) hostParts() (protocol string, host any, err error) {
	if !pyjson.Truthy(c.Host) {
		return "", c.Host, nil
	}
	if has, err := contains("://", c.Host); err != nil || !has {
		return "", c.Host, err
	}
	s, ok := c.Host.(string)
	if !ok {
		return "", nil, noMethod(c.Host, "split")
	}
	before, after, _ := strings.Cut(s, "://")
	switch {
	case c.Type == any(before):
		return "", s, nil
	case before == "":
		return "", after, nil
	}
	return before + "://", after, nil
}

// loginBlock is login and password with the @ after them, or "".
func (c *Connection) loginBlock() (string, error) {
	block := ""
	if c.Login != nil {
		login, err := quoteValue(c.Login)
		if err != nil {
			return "", err
		}
		block = login
	}
	if c.Password != nil {
		password, err := quoteValue(c.Password)
		if err != nil {
			return "", err
		}
		block += ":" + password
	}
	if block != "" {
		block += "@"
	}
	return block, nil
}

// quoteValue is quote(v, safe="") for a v of any type.
func quoteValue(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", fail("TypeError", fmt.Sprintf("a text field of the connection holds a value of type %s: quote it", pyjson.TypeName(v)),
			"quote_from_bytes() expected bytes")
	}
	return quote(s)
}

// extraQuery writes extra as query parameters: one for each member where that
// says it all, else the stored text in one.
func extraQuery(stored, parsed any) (string, error) {
	if o, ok := parsed.(*pyjson.Object); ok {
		flat, err := encodeQuery(o)
		if err != nil {
			return "", err
		}
		if flat != "" && allStrings(o) {
			return flat, nil
		}
	}
	text, err := quotePlus(pyjson.Str(stored))
	return extraKey + "=" + text, err
}

func allStrings(o *pyjson.Object) bool {
	for _, key := range o.Keys() {
		v, _ := o.Get(key)
		if _, ok := v.(string); !ok {
			return false
		}
	}
	return true
}
