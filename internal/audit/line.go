package audit

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"
)

// maxText is how much of one text a line keeps: enough for any real name, and
// little enough that a peer cannot fill the disk with one request.
const maxText = 1 << 10

// timeForm is how a line writes a time.
const timeForm = "2006-01-02T15:04:05.000000Z"

// append writes the line without reflection: it is on the path of every read.
func (e *Entry) append(b []byte, at time.Time) []byte {
	b = append(b, `{"v":1,"time":"`...)
	b = at.UTC().AppendFormat(b, timeForm)
	b = append(b, '"')
	b = member(b, "request", e.Request)
	b = member(b, "principal", e.Principal)
	b = member(b, "protocol", e.Protocol)
	b = member(b, "remote", e.Remote)
	b = member(b, "action", e.Action)
	b = member(b, "kind", e.Kind)
	b = member(b, "team", e.Team)
	b = member(b, "name", e.Name)
	b = member(b, "typed", e.Typed)
	if e.Version != 0 {
		b = append(b, `,"version":`...)
		b = strconv.AppendInt(b, e.Version, 10)
	}
	b = member(b, "outcome", e.Outcome)
	if e.Count != 0 {
		b = append(b, `,"count":`...)
		b = strconv.AppendInt(b, e.Count, 10)
	}
	b = member(b, "layer", e.Layer)
	b = member(b, "source", e.Source)
	if !e.Stale.IsZero() {
		b = append(b, `,"stale":"`...)
		b = e.Stale.UTC().AppendFormat(b, timeForm)
		b = append(b, '"')
	}
	b = append(b, `,"duration_us":`...)
	b = strconv.AppendInt(b, e.Duration.Microseconds(), 10)
	return append(b, '}', '\n')
}

func member(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, ',', '"')
	b = append(b, name...)
	b = append(b, '"', ':')
	if len(text) > maxText {
		return quote(b, text[:maxText], fmt.Sprintf("... (%d bytes)", len(text)))
	}
	return quote(b, text, "")
}

// quote appends text, then the note that it was cut, as one JSON string. What
// is not UTF-8 becomes U+FFFD; what ends a line for some readers, or is an order
// to a terminal, is escaped.
func quote(b []byte, text, note string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(text); {
		c := text[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(text[i:])
			i += size
			if r < 0xa0 || r == 0x2028 || r == 0x2029 {
				b = append(b, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
				continue
			}
			b = utf8.AppendRune(b, r)
			continue
		}
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20 || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
		i++
	}
	b = append(b, note...)
	return append(b, '"')
}
