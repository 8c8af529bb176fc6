package dialect

import (
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/store"
)

// SecretsManager is the dialect of airflow.providers.amazon.aws.secrets.
// secrets_manager.SecretsManagerBackend. A name is a secret's; no slash is
// added or taken off at its start. Its zero value asks nothing;
// [DefaultSecretsManager] has the class's defaults.
type SecretsManager struct {
	Connections, Variables, Config AWSKind
	// Sep stands between prefix and id.
	Sep string
	// ExtraConnWords is the kwarg extra_conn_words as it stands: more names
	// for the fields of a connection, looked at when a connection is JSON.
	ExtraConnWords any
	// MultiTeam is core.multi_team.
	MultiTeam bool
}

var (
	_ Dialect  = (*SecretsManager)(nil)
	_ Forgiver = (*SecretsManager)(nil)

	_ PatternFolder = (*SecretsManager)(nil)
)

// DefaultSecretsManager is the dialect without any kwarg.
func DefaultSecretsManager() *SecretsManager {
	connections, variables, config := "airflow/connections", "airflow/variables", "airflow/config"
	return &SecretsManager{Connections: AWSKind{Prefix: &connections}, Variables: AWSKind{Prefix: &variables}, Config: AWSKind{Prefix: &config}, Sep: "/"}
}

// SecretsManagerKwargs are the kwargs that SecretsManagerFromKwargs reads.
func SecretsManagerKwargs() []string { return append(awsOwnKwargs(), "sep", "extra_conn_words") }

// SecretsManagerFromKwargs builds the dialect from backend_kwargs, as the
// class's __init__ does; it reads only the members that concern names and
// values. Nil kwargs are none. The error is an *airflow.Error with Python's
// own text.
func SecretsManagerFromKwargs(kwargs *pyjson.Object, multiTeam bool) (*SecretsManager, error) {
	if kwargs == nil {
		kwargs = pyjson.NewObject()
	}
	d := DefaultSecretsManager()
	d.MultiTeam = multiTeam
	var sep any = d.Sep
	if v, ok := kwargs.Get("sep"); ok {
		sep, d.Sep = v, pyjson.Str(v)
	}
	for _, kind := range []airflow.Kind{airflow.KindConnection, airflow.KindVariable, airflow.KindConfig} {
		k := d.kind(kind)
		var v any = *k.Prefix
		if given, ok := kwargs.Get(awsKwargs[kind] + "_prefix"); ok {
			v = given
		}
		var err error
		if k.Prefix, err = secretsManagerPrefix(v, sep); err != nil {
			return nil, err
		}
		pattern, _ := kwargs.Get(awsKwargs[kind] + "_lookup_pattern")
		k.setPattern(awsKwargs[kind]+"_lookup_pattern", pattern)
	}
	d.ExtraConnWords, _ = kwargs.Get("extra_conn_words")
	return d, nil
}

// secretsManagerPrefix takes the characters of sep off the end; what is not
// true to Python but not null either is no prefix.
func secretsManagerPrefix(v, sep any) (*string, error) {
	none := ""
	switch {
	case v == nil:
		return nil, nil
	case !pyjson.Truthy(v):
		return &none, nil
	}
	prefix, err := rstrip(v, sep)
	return &prefix, err
}

func (d *SecretsManager) kind(kind airflow.Kind) *AWSKind {
	return awsKind(kind, &d.Connections, &d.Variables, &d.Config)
}

// Names implements Dialect (_get_secret): the team's secret first, unless
// there is no prefix. get_config knows no teams.
func (d *SecretsManager) Names(ref airflow.Ref) Lookup {
	k := d.kind(ref.Kind)
	if declined, ok := k.declines(ref, d.MultiTeam); ok {
		return declined
	}
	if *k.Prefix == "" {
		return Lookup{Names: []string{ref.ID}}
	}
	names := []string{*k.Prefix + d.Sep + ref.ID}
	if ref.Team != "" && ref.Kind != airflow.KindConfig {
		names = append([]string{*k.Prefix + d.Sep + ref.Team + awsTeamSep + ref.ID}, names...)
	}
	return Lookup{Names: names}
}

// Fold implements Folder: the service takes the ARN of a secret for its name,
// with or without the dash and six characters that it adds at the end.
func (d *SecretsManager) Fold(text string) string {
	name, ok := arnName(text)
	if !ok {
		return text
	}
	return arnShort(name)
}

// FoldPattern implements PatternFolder: `arn:*:secret:prod_*-??????` is about
// the secrets that are called `prod_*`.
func (d *SecretsManager) FoldPattern(pattern string) []string {
	name, ok := arnPattern(pattern)
	if !ok {
		return []string{pattern}
	}
	return append([]string{name}, arnShorts(name)...)
}

// arnPattern is arnName of a pattern, whose `*` may stand for colons too. One
// of every ARN, like `arn:*`, is about no name.
func arnPattern(text string) (name string, ok bool) {
	if name, ok := arnName(text); ok {
		return name, true
	}
	if !strings.HasPrefix(text, "arn:") || !strings.Contains(text, "*") {
		return "", false
	}
	name = text[strings.LastIndexByte(text, ':')+1:]
	return name, strings.Trim(name, "*") != ""
}

// arnShorts are the patterns of the names at the end of ARNs that pattern
// matches, without the dash and six characters.
func arnShorts(pattern string) []string {
	const random = 6
	for strings.Contains(pattern, "**") {
		pattern = strings.ReplaceAll(pattern, "**", "*")
	}
	var shorts []string
	least, open := 0, false // how long what follows i is at least, and whether it may be longer
	for i := len(pattern) - 1; i > 0 && least <= random; i-- {
		switch c := pattern[i]; {
		case c == '*':
			open = true
			shorts = append(shorts, pattern[:i+1])
			continue
		case (c == '-' || c == '?') && (least == random || open):
			shorts = append(shorts, pattern[:i])
		}
		least++
	}
	return shorts
}

// arnName is the name at the end of a secret's ARN, which no name can be: it
// has no colon. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_iam-permissions.html#iam-resources
func arnName(text string) (name string, ok bool) {
	parts := strings.SplitN(text, ":", 7)
	if len(parts) < 7 || parts[0] != "arn" {
		return "", false
	}
	return parts[6], true
}

// arnShort takes the dash and six characters off the end of an ARN's name.
func arnShort(name string) string {
	const suffix = 7
	if i := len(name) - suffix; i > 0 && name[i] == '-' {
		return name[:i]
	}
	return name
}

// Refs implements Dialect. An ARN may end in the name, or in six more
// characters: it stands for both.
func (d *SecretsManager) Refs(name string) []airflow.Ref {
	whole, ok := arnName(name)
	if !ok {
		return d.refs(name)
	}
	refs := d.refs(whole)
	if short := arnShort(whole); short != whole {
		refs = append(d.refs(short), refs...)
	}
	return refs
}

func (d *SecretsManager) refs(name string) []airflow.Ref {
	var refs []airflow.Ref
	for _, kind := range airflow.Kinds() {
		k := d.kind(kind)
		switch {
		case k.Prefix == nil:
		case *k.Prefix == "":
			if name != "" && (!d.MultiTeam || !strings.Contains(name, awsTeamSep)) {
				refs = append(refs, airflow.Ref{Kind: kind, ID: name})
			}
		default:
			if id, ok := strings.CutPrefix(name, *k.Prefix+d.Sep); ok {
				refs = append(refs, teamRefs(kind, id, d.MultiTeam)...)
			}
		}
	}
	return refs
}

// Forgive implements Forgiver (_get_secret_value): some failures count as not
// found, with a line at debug level.
func (d *SecretsManager) Forgive(err error) *NoValueError {
	switch code := store.ServiceCodeOf(err); code {
	case "ResourceNotFoundException", "InvalidParameterException", "InvalidRequestException", "DecryptionFailure", "InternalServiceError":
		return &NoValueError{Reason: "the service answered " + code + ", which SecretsManagerBackend takes for not found"}
	}
	return nil
}

// Decode implements Dialect: text as it stands, except for a connection that
// is a JSON object, whose members are renamed. Bytes are no value.
func (d *SecretsManager) Decode(ref airflow.Ref, s *store.Secret) (Value, error) {
	if s.Form == store.Binary {
		return Value{}, &NoValueError{Reason: "the secret is binary (SecretBinary): only SecretString is read"}
	}
	text := string(s.Payload)
	if ref.Kind == airflow.KindConnection && isObject(text) {
		renamed, err := d.rename(text)
		if err != nil {
			return Value{}, &store.Error{Op: "decode", Name: ref.ID, Code: store.Invalid, Err: err,
				Hint: "correct the JSON of the connection, or extra_conn_words"}
		}
		text = renamed
	}
	return Value{Data: text}, nil
}

func isObject(text string) bool { return strings.HasPrefix(strings.TrimFunc(text, pySpace), "{") }

// Encode implements Dialect. The class drops what it has no name for, so a
// connection with such a member is refused.
func (d *SecretsManager) Encode(ref airflow.Ref, v Value) (*store.Secret, error) {
	s, err := encodeText(ref, v)
	if err != nil || ref.Kind != airflow.KindConnection || !isObject(string(s.Payload)) {
		return s, err
	}
	if dropped := d.dropped(string(s.Payload)); dropped != "" {
		return nil, inexpressible(ref, "SecretsManagerBackend drops the member "+dropped+" of a connection: write the connection without it")
	}
	return s, nil
}
