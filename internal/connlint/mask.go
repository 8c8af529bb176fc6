package connlint

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// Hidden stands for what is not shown.
const Hidden = "***"

// plainHost and plainSchema are what a host and a schema look like that may be
// shown: a token that stands in their place is mostly longer, or has other
// characters.
var (
	plainHost   = lazyregexp.New(`^([A-Za-z0-9_-]{1,40}(\.[A-Za-z0-9_-]{1,63})*|[0-9.]+|\[[0-9A-Fa-f:.]+\])?$`)
	plainSchema = lazyregexp.New(`^/?[A-Za-z0-9_.-]{0,40}$`)
	plainType   = lazyregexp.New(`^[a-z0-9][a-z0-9+._-]{0,39}$`)
	plainWord   = lazyregexp.New(`^([Tt]rue|[Ff]alse|[0-9]{1,5}|null|None)?$`)
)

// isSchema tells whether a schema may be shown.
func isSchema(text string) bool {
	return plainSchema.MatchString(text) && excerpt.Word(strings.TrimPrefix(text, "/")) != excerpt.Hidden
}

// hide decides what Masked does not show of a URI: the password, a login
// without one (it may be a token), and every value of the query that says
// something.
func (r *Report) hide(u parts) {
	if !plainType.MatchString(u.scheme.of(r.Text)) {
		r.hidden = append(r.hidden, u.scheme)
	}
	if u.hasPassword && !u.password.empty() {
		r.hidden = append(r.hidden, u.password)
	}
	if u.hasLogin && !u.hasPassword && !u.login.empty() || strings.ContainsAny(u.login.of(r.Text), "/?#") {
		r.hidden = append(r.hidden, u.login)
	}
	if u.hasPort && !u.port.empty() && !isDigits(u.port.of(r.Text)) {
		// Nobody knows what is what: all from there on may be a password.
		r.hidden = append(r.hidden, piece{u.port.from, len(r.Text)})
	}
	r.broken = u.broken
	if !plainHost.MatchString(u.host.of(r.Text)) {
		r.hidden = append(r.hidden, u.host)
	}
	if !isSchema(u.path.of(r.Text)) {
		r.hidden = append(r.hidden, piece{u.path.from + 1, u.path.end})
	}
	if u.hasFragment {
		r.hidden = append(r.hidden, u.fragment)
	}
	at := u.query.from
	for _, pair := range strings.Split(u.query.of(r.Text), "&") {
		name, value, has := strings.Cut(pair, "=")
		if !has {
			name, value = "", pair
		}
		if from := at + len(pair) - len(value); !plainWord.MatchString(value) {
			r.hidden = append(r.hidden, piece{from, at + len(pair)})
		}
		if !plainSchema.MatchString(name) {
			r.hidden = append(r.hidden, piece{at, at + len(name)})
		}
		at += len(pair) + 1
	}
}

// hideMembers does so for a JSON object. A name that means no field may be a
// value in the wrong place.
func (r *Report) hideMembers(list []member) {
	for _, m := range list {
		if !slices.Contains(fieldNames[:], m.name) && meant(m.name) == "" && m.name != "conn_id" && m.name != "uri" {
			r.hidden = append(r.hidden, m.key)
		}
		value := strings.Trim(m.value.of(r.Text), `"`)
		switch m.name {
		case "conn_type", "connection_type", "engine", "port", "description":
			if !plainSchema.MatchString(value) && m.name != "description" {
				r.hidden = append(r.hidden, m.value)
			}
		case "host", "login", "user", "username":
			if !plainHost.MatchString(value) {
				r.hidden = append(r.hidden, m.value)
			}
		case "schema", "database", "dbname":
			if !isSchema(value) {
				r.hidden = append(r.hidden, m.value)
			}
		default:
			r.hidden = append(r.hidden, m.value)
		}
	}
}

// Columns is a range of columns of a masked text, from 0.
type Columns struct{ From, End int }

// Masked is the text without its secrets, and for each problem where it stands
// in the masked text. Characters that have to be written otherwise are shown
// also in a secret: they are what the person has to find.
func (r *Report) Masked() (string, []Columns) {
	var b strings.Builder
	at := make([]Columns, len(r.Problems))
	column, stars := 0, false
	put := func(s string) {
		b.WriteString(s)
		column += utf8.RuneCountInString(s)
	}
	for i := 0; i <= len(r.Text); {
		for n, p := range r.Problems {
			if p.From == i {
				at[n].From = column
			}
			if p.End == i {
				at[n].End = column
			}
		}
		if i == len(r.Text) {
			break
		}
		_, size := utf8.DecodeRuneInString(r.Text[i:])
		hidden := covered(r.hidden, i) && !r.shown(i)
		if !hidden {
			put(printable(r.Text[i : i+size]))
		} else if !stars {
			put(Hidden)
		}
		stars = hidden
		i += size
	}
	return b.String(), at
}

// shown tells whether the character at byte i is shown for a problem's sake:
// a character that has to be written otherwise, or the percent sign of an
// escape, without its digits.
func (r *Report) shown(i int) bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool {
		if p.Code != NotEncoded && p.Code != Whitespace && p.Code != PartLost || p.End-p.From > 4 {
			return false
		}
		return p.From <= i && i < p.End && (p.Mends || p.From == i && p.End-p.From <= 3 && strings.IndexByte("%+\t\r\n", r.Text[i]) >= 0)
	})
}

func covered(list []piece, i int) bool {
	return slices.ContainsFunc(list, func(p piece) bool { return p.from <= i && i < p.end })
}

// printable shows control characters as an escape.
func printable(s string) string {
	switch s {
	case "\t":
		return `\t`
	case "\n":
		return `\n`
	case "\r":
		return `\r`
	}
	if r, _ := utf8.DecodeRuneInString(s); r < ' ' || r == 0x7f || r == utf8.RuneError || 0x80 <= r && r <= 0x9f {
		return "?"
	}
	return s
}

// MaskedSuggestion is the suggestion without its secrets; what was mended
// stays to be seen.
func (r *Report) MaskedSuggestion() string {
	if r.Suggestion == "" {
		return ""
	}
	var b strings.Builder
	list := slices.Clone(r.Problems)
	stars := false
	for i := 0; i < len(r.Text); {
		n := slices.IndexFunc(list, func(p Problem) bool { return p.Mends && p.From == i && p.End > i })
		if n >= 0 {
			b.WriteString(list[n].Write)
			i, stars = list[n].End, false
			continue
		}
		_, size := utf8.DecodeRuneInString(r.Text[i:])
		switch {
		case !covered(r.hidden, i):
			b.WriteString(printable(r.Text[i : i+size]))
			stars = false
		case !stars:
			b.WriteString(Hidden)
			stars = true
		}
		i += size
	}
	return b.String()
}

// MaskedFields is what Airflow makes of the text: the fields of Worker or
// Server by name, in Airflow's order, without the secrets. Those that are None
// are left out. Where Airflow splits the text elsewhere than its writer, any
// field may hold a piece of the password: only the type is shown then.
func (r *Report) MaskedFields(c *airflow.Connection) *pyjson.Object {
	o := fields(c, true)
	if r.broken || r.Worst() == Error {
		for _, key := range o.Keys() {
			if v, _ := o.Get(key); key != "conn_type" && pyjson.Truthy(v) {
				o.Set(key, Hidden)
			}
		}
	}
	return o
}

// Fields are a connection's fields by name, in Airflow's order, with its
// secrets. Those that are None are left out.
func Fields(c *airflow.Connection) *pyjson.Object { return fields(c, false) }

// HiddenFields is the same without the secrets.
func HiddenFields(c *airflow.Connection) *pyjson.Object { return fields(c, true) }

func fields(c *airflow.Connection, mask bool) *pyjson.Object {
	o := pyjson.NewObject()
	for _, f := range []struct {
		name  string
		value any
		plain *lazyregexp.Regexp
	}{
		{"conn_type", c.Type, plainType}, {"description", c.Description, nil}, {"host", c.Host, plainHost}, {"login", c.Login, plainHost},
		{"password", c.Password, nil}, {"schema", c.Schema, plainSchema}, {"port", c.Port, plainSchema},
	} {
		switch {
		case f.value == nil:
			continue
		case mask && f.plain == nil && f.name == "password" && pyjson.Truthy(f.value),
			mask && f.plain != nil && !f.plain.MatchString(pyjson.Str(f.value)),
			mask && f.name == "schema" && !isSchema(pyjson.Str(f.value)):
			o.Set(f.name, Hidden)
		default:
			o.Set(f.name, f.value)
		}
	}
	if mask && c.Password == nil && pyjson.Truthy(c.Login) {
		o.Set("login", Hidden) // alone it may be a token
	}
	extra, err := c.ExtraValue()
	switch {
	case !pyjson.Truthy(c.Extra):
	case err != nil && mask:
		o.Set("extra", Hidden)
	case err != nil:
		o.Set("extra", c.Extra)
	case mask:
		o.Set("extra", hideValues(extra))
	default:
		o.Set("extra", extra)
	}
	return o
}

// hideValues keeps names and words that say nothing.
func hideValues(v any) any {
	switch v := v.(type) {
	case *pyjson.Object:
		o := pyjson.NewObject()
		for _, key := range v.Keys() {
			member, _ := v.Get(key)
			if !plainSchema.MatchString(key) {
				key = Hidden
			}
			o.Set(key, hideValues(member))
		}
		return o
	case nil, bool:
		return v
	}
	if plainWord.MatchString(pyjson.Str(v)) {
		return v
	}
	return Hidden
}
