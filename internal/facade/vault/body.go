package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
)

// object is a JSON object whose members are left as they came.
type object map[string]json.RawMessage

// body reads the request's body, a JSON object of at most so many bytes. None at
// all is an empty one.
func (q *request) body(most int64) (object, error) {
	b, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, most))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &statusError{http.StatusRequestEntityTooLarge, fmt.Sprintf("http: request body too large: at most %d bytes", most)}
	case err != nil:
		return nil, &statusError{http.StatusBadRequest, "failed to read the request's body"}
	case len(b) == 0:
		return object{}, nil
	}
	return parseObject(b)
}

func parseObject(b []byte) (object, error) {
	s := shapeOf(b)
	if s.depth > maxDepth {
		return nil, badJSON(fmt.Sprintf("more than %d levels", maxDepth))
	}
	if s.top > maxEntries {
		return nil, beyond("members", maxEntries)
	}
	var o object
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&o); err != nil {
		return nil, badJSON(explain(err))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badJSON("data after the object")
	}
	if why := notUnicode(b); why != "" {
		return nil, badJSON(why)
	}
	return o, nil
}

func badJSON(why string) error {
	return &statusError{http.StatusBadRequest, "failed to decode JSON input: " + why}
}

// explain says what is wrong with JSON without quoting it: it may hold a
// secret.
func explain(err error) string {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &kind):
		return "json: cannot unmarshal " + kind.Value + " into Go value of type map[string]interface {}"
	case errors.As(err, &syntax):
		return "invalid JSON at byte " + strconv.FormatInt(syntax.Offset, 10)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "unexpected EOF"
	}
	return "invalid JSON"
}

// isNull reports whether a member is absent or null.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// asObject reads a member that must be an object.
func asObject(field string, raw json.RawMessage) (object, error) {
	if err := checkEntries(field, raw); err != nil {
		return nil, err
	}
	var o object
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, conversion(field, "expected type 'map[string]interface {}', got unconvertible type '"+typeName(raw)+"'")
	}
	return o, nil
}

func conversion(field, why string) error {
	return &statusError{http.StatusBadRequest, fmt.Sprintf("error converting input for field %q: '' %s", field, why)}
}

// typeName is what Go's decoder makes of a JSON value, as Vault's messages
// name it.
func typeName(raw json.RawMessage) string {
	switch raw[0] {
	case '"':
		return "string"
	case '[':
		return "[]interface {}"
	case 't', 'f':
		return "bool"
	}
	return "json.Number"
}

// asInt reads a whole number, also one in quotes, as Vault does.
func asInt(raw json.RawMessage) (int64, bool) {
	n, err := strconv.ParseInt(strings.Trim(string(raw), `"`), 10, 64)
	return n, err == nil
}

// asInts reads a list of at most so many whole numbers, also one alone or a text
// with commas.
func asInts(field string, raw json.RawMessage, most int) ([]int64, error) {
	if isNull(raw) {
		return nil, nil
	}
	var list []json.RawMessage
	if raw[0] == '[' {
		var err error
		if list, err = items(field, raw, most); err != nil {
			return nil, err
		}
	} else {
		for part := range strings.SplitSeq(strings.Trim(string(raw), `"`), ",") {
			if len(list) == most {
				return nil, beyond(field, most)
			}
			list = append(list, json.RawMessage(strings.TrimSpace(part)))
		}
	}
	numbers := make([]int64, 0, len(list))
	for i, item := range list {
		n, ok := asInt(item)
		if !ok {
			return nil, &statusError{http.StatusBadRequest, fmt.Sprintf("Field validation failed: error converting input for field %q: "+
				"decoding failed due to the following error(s):\n\n'[%d]' cannot parse value as 'int': strconv.ParseInt: invalid syntax", field, i)}
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// asText reads a member as text: a string, or a number as it is written.
func asText(raw json.RawMessage) (string, bool) {
	if isNull(raw) {
		return "", false
	}
	if raw[0] == '"' {
		var s string
		return s, json.Unmarshal(raw, &s) == nil
	}
	return string(raw), raw[0] != '{' && raw[0] != '['
}

// mergePatch refuses a PATCH of any other content type.
func (q *request) mergePatch() error {
	given := q.header("Content-Type")
	media, _, err := mime.ParseMediaType(given)
	if err != nil || media != wire.ContentTypeMergePatch {
		return &statusError{http.StatusUnsupportedMediaType,
			"PATCH requires Content-Type of " + wire.ContentTypeMergePatch + ", provided " + clipText(given)}
	}
	return nil
}

func clipText(s string) string {
	const most = 120
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
