package connlint

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// uri looks at a URI.
func (r *Report) uri(body piece) {
	u, ok := split(r.Text, body)
	if !ok {
		r.hidden = append(r.hidden, body)
		r.add(Problem{Code: NoType, Severity: Error, From: body.from, End: body.end,
			Message: `the connection is neither a JSON object nor a URI: it has no "://"`,
			Airflow: "Airflow takes it for a URI and reads a wrong type or none"})
		return
	}
	r.hide(u)
	r.scheme(u)
	r.userinfo(u)
	r.breaks(body)
	r.port(u)
	r.tail(u)
	r.lateAt(u)
	r.secondScheme(u)
	r.spared(u)
	if r.WorkerErr == nil && r.ServerErr == nil && !u.broken {
		r.readings()
	}
}

// scheme looks at the type.
func (r *Report) scheme(u parts) {
	name := u.scheme.of(r.Text)
	if isScheme(name) {
		return
	}
	p := Problem{Code: NoType, Severity: Error, From: u.scheme.from, End: u.scheme.end,
		Message: "what stands before :// is no connection type: it begins with a letter and has letters, digits, + - and . in it",
		Airflow: "Airflow reads a connection without a type, and what follows as parts of other fields"}
	switch dashed := strings.ReplaceAll(name, "_", "-"); {
	case name == "":
		p.Message = "nothing stands before ://, where the connection's type goes"
		p.End = min(p.From+len("://"), len(r.Text))
	case isScheme(dashed):
		p.Code, p.Write, p.Mends = Underscore, dashed, true
		p.Message = "the type has an underscore, which a URI writes as a dash: " + dashed + "://"
		p.Airflow = "Airflow reads no type, and takes the name without its first letter for the schema"
	}
	r.add(p)
}

func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return s != ""
}

// disguised are the characters that Unicode's compatibility forms turn into
// one of / ? # @ : as Python's urlsplit refuses them.
const disguised = "\u2047\u2048\u2049\u2100\u2101\u2105\u2106\u2a74\ufe13\ufe16\ufe55\ufe56\ufe5f\ufe6b\uff03\uff0f\uff1a\uff1f\uff20"

// userinfo looks at login and password for what ends them too early.
func (r *Report) userinfo(u parts) {
	for i := u.userinfo.from; i < u.userinfo.end; {
		c, size := utf8.DecodeRuneInString(r.Text[i:])
		if strings.ContainsRune("/?#[]", c) || strings.ContainsRune(disguised, c) && c != utf8.RuneError {
			r.add(Problem{Code: NotEncoded, Severity: Error, From: i, End: i + size, Mends: true, Write: escaped(r.Text[i : i+size]),
				Message: fmt.Sprintf("the %s has a %q, which is written %s", u.part(i), c, escaped(r.Text[i:i+size])),
				Airflow: consequence(c)})
		}
		if c == '%' {
			r.escape(u, i)
		}
		i += size
	}
}

// part names the piece that byte i belongs to.
func (u parts) part(i int) string {
	if u.hasPassword && i >= u.password.from && i <= u.password.end {
		return "password"
	}
	return "login"
}

func consequence(c rune) string {
	switch c {
	case '/', '?', '#':
		return "Airflow ends the host there: it fails with \"Port could not be cast to integer value\", or reads another host, port and schema"
	case '[', ']':
		return `Airflow takes it for the bracket of an IPv6 address and fails with a ValueError such as "Invalid IPv6 URL"`
	}
	return "Airflow fails with a ValueError: the netloc contains invalid characters under NFKC normalization"
}

// escape looks at the percent sign at byte i: get_uri never escapes a letter
// or a digit, so such an escape may well be part of the password itself.
func (r *Report) escape(u parts, i int) {
	p := Problem{Code: NotEncoded, From: i, End: min(i+3, u.userinfo.end)}
	decoded, ok := unescaped(r.Text[i:u.userinfo.end])
	switch {
	case !ok:
		p.Severity, p.End = Note, i+1
		p.Message = fmt.Sprintf("the %s has a %% that begins no escape: %%25 says the same and cannot be mistaken", u.part(i))
		p.Airflow = "Airflow keeps it as it is"
	case 'a' <= decoded|0x20 && decoded|0x20 <= 'z' || '0' <= decoded && decoded <= '9':
		p.Severity = Warning
		p.Message = fmt.Sprintf("the %s has a %% with two hexadecimal digits that stand for a letter or a digit: if the %% itself is meant, write %%25", u.part(i))
		p.Airflow = "Airflow decodes the three characters into that one"
	default:
		return
	}
	r.add(p)
}

func unescaped(s string) (byte, bool) {
	var b byte
	if len(s) < 3 {
		return 0, false
	}
	if n, err := fmt.Sscanf(strings.ToLower(s[1:3]), "%02x", &b); err != nil || n != 1 || strings.Trim(strings.ToLower(s[1:3]), "0123456789abcdef") != "" {
		return 0, false
	}
	return b, true
}

// escaped is Python's quote(s, safe="") of what needs it.
func escaped(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// breaks looks for what urlsplit takes out wherever it stands.
func (r *Report) breaks(body piece) {
	for i := body.from; i < body.end; i++ {
		if c := r.Text[i]; c == '\t' || c == '\n' || c == '\r' {
			r.add(Problem{Code: Whitespace, Severity: Warning, From: i, End: i + 1,
				Message: fmt.Sprintf("a %s stands in the middle of the URI: if it belongs to a value, write %s, else take it out", blankName(c), escaped(string(rune(c)))),
				Airflow: "Airflow takes it out, so that a value is shorter than it looks"})
		}
	}
}

func blankName(c byte) string {
	switch c {
	case '\t':
		return "tab"
	case '\r':
		return "carriage return"
	}
	return "line break"
}

// port looks at the port, and whether it is that of another type.
func (r *Report) port(u parts) {
	text := u.port.of(r.Text)
	blame := Problem{From: u.port.from, End: u.port.end}
	switch {
	case !u.hasPort || text == "":
		return
	case !isDigits(strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(text)):
		blame.Code, blame.Severity = NotEncoded, Error
		blame.Message = "the port is not a number"
		if !u.hasLogin {
			blame.Message += ": login and password end with an @ before the host"
		}
		blame.Airflow = `Airflow raises ValueError, "Port could not be cast to integer value", and passes the connection over`
	case len(strings.TrimLeft(text, "0")) > 5 || len(strings.TrimLeft(text, "0")) == 5 && strings.TrimLeft(text, "0") > "65535":
		blame.Code, blame.Severity = NotEncoded, Error
		blame.Message = "the port is beyond 65535"
		blame.Airflow = `Airflow raises ValueError, "Port out of range 0-65535", and passes the connection over`
	default:
		owner := foreignPort(u.scheme.of(r.Text), text)
		if owner == "" {
			return
		}
		blame.Code, blame.Severity = ForeignPort, Warning
		blame.Message = fmt.Sprintf("port %s is %s's, and the type is %q", text, owner, typeName(u.scheme.of(r.Text)))
		blame.Airflow = "Airflow hands the port to the hook as it is, which connects there"
	}
	r.add(blame)
}

// tail looks at schema, query and fragment.
func (r *Report) tail(u parts) {
	if u.hasFragment {
		r.add(Problem{Code: PartLost, Severity: Warning, From: u.fragment.from, End: u.fragment.from + 1, Mends: true, Write: "%23",
			Message: `a "#" begins a fragment, which a connection does not have: written %23 it belongs to the value`,
			Airflow: "Airflow drops all from the # on"})
	}
	if !u.hasQuery || r.Worker == nil {
		return
	}
	at := u.query.from
	for _, pair := range strings.Split(u.query.of(r.Text), "&") {
		name, value, has := strings.Cut(pair, "=")
		whole := piece{at, at + len(pair)}
		at = whole.end + 1
		switch {
		case name == "__extra__":
			r.wholeExtra(piece{whole.from + len(name) + 1, whole.end})
		case pair != "" && !has:
			r.add(Problem{Code: BadExtra, Severity: Note, From: whole.from, End: whole.end,
				Message: `a query parameter has no "=": if an & before it belongs to a value, write it %26`,
				Airflow: "Airflow takes it for a field of extra with an empty value"})
		case strings.Contains(value, "+"):
			i := whole.from + strings.IndexByte(pair, '+')
			r.add(Problem{Code: NotEncoded, Severity: Note, From: i, End: i + 1,
				Message: `a "+" in the query stands for a blank: if a plus sign is meant, write %2B`,
				Airflow: "Airflow decodes it into a blank"})
		}
	}
}

// lateAt looks for an @ in the schema of a URI that has one before its host:
// both may well belong to the password.
func (r *Report) lateAt(u parts) {
	i := strings.IndexByte(u.path.of(r.Text), '@')
	if i < 0 || !u.hasPassword || u.broken {
		return
	}
	at := u.path.from + i
	r.hidden = append(r.hidden, u.host, u.path)
	r.add(Problem{Code: NotEncoded, Severity: Warning, From: at, End: at + 1,
		Message: `an "@" stands behind the host: if the host comes after it, the password before it has characters to write as %40 (@) and %2F (/)`,
		Airflow: "Airflow takes what stands between the @ and the next / for the host, and the rest for the schema"})
}

// wholeExtra looks at the parameter that holds extra as text.
func (r *Report) wholeExtra(value piece) {
	if r.Worker.Extra == nil || value.empty() {
		return
	}
	text, _ := r.Worker.Extra.(string)
	v, err := pyjson.Decode(text)
	if _, object := v.(*pyjson.Object); err == nil && object {
		return
	}
	r.add(Problem{Code: BadExtra, Severity: Error, From: value.from, End: value.end,
		Message: "the parameter __extra__ holds no JSON object, percent-encoded",
		Airflow: "a task finds no field in extra; the scheduler and the API server refuse the connection with a ValueError"})
}

// secondScheme looks for a :// that belongs to a value.
func (r *Report) secondScheme(u parts) {
	from := max(u.userinfo.end, u.scheme.end+3, u.protocol.end+3)
	for i := from; i < len(r.Text); {
		j := strings.Index(r.Text[i:], "://")
		if j < 0 {
			return
		}
		at := i + j
		r.add(Problem{Code: NotEncoded, Severity: Error, From: at, End: at + 3, Mends: true, Write: "%3A%2F%2F",
			Message: `a second "://" stands in the URI, which is written %3A%2F%2F inside a value`,
			Airflow: `Airflow counts each of them: it raises AirflowException, "Invalid connection string", or reads no host`})
		i = at + 3
	}
}

// spared notes what is no mistake but is often one.
func (r *Report) spared(u parts) {
	if i := strings.IndexByte(u.userinfo.of(r.Text), '+'); i >= 0 {
		i += u.userinfo.from
		r.add(Problem{Code: NotEncoded, Severity: Note, From: i, End: i + 1,
			Message: fmt.Sprintf(`a "+" in the %s stays a plus sign: a blank is written %%20`, u.part(i)),
			Airflow: "Airflow keeps it as it is"})
	}
	if host := u.host.of(r.Text); host != strings.ToLower(host) {
		r.add(Problem{Code: PartLost, Severity: Note, From: u.host.from, End: u.host.end,
			Message: "the host has capital letters: write the connection as JSON if they count",
			Airflow: "Airflow reads the host of a URI in lower case"})
	}
}

// readings notes where a task and the scheduler get different things.
func (r *Report) readings() {
	worker, server := extraOf(r.Worker), extraOf(r.Server)
	if worker == nil || server == nil {
		return
	}
	var names []string
	for _, key := range worker.Keys() {
		a, _ := worker.Get(key)
		b, _ := server.Get(key)
		if plainSchema.MatchString(key) && pyjson.Encode(a) != pyjson.Encode(b) {
			names = append(names, fmt.Sprintf("%q", clip(key)))
		}
	}
	if len(names) > 0 {
		at := strings.IndexByte(r.Text, '?')
		r.add(Problem{Code: ReadingsVary, Severity: Note, From: max(at, 0), End: len(r.Text),
			Message: "a task gets text and the scheduler a value of JSON for the extra fields " + strings.Join(names, ", ") +
				": write the connection as JSON where that matters",
			Airflow: "only the server's class parses the values of a URI's query"})
	}
}

func extraOf(c *airflow.Connection) *pyjson.Object {
	v, err := c.ExtraValue()
	o, ok := v.(*pyjson.Object)
	if err != nil || !ok {
		return nil
	}
	return o
}

// clip bounds a name from outside.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
