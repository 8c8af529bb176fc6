package dialect

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/airflow/pyregex"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// awsTeamSep stands between team and id in both AWS backends (TEAM_SEP).
const awsTeamSep = "--"

// AWSKind is what both AWS backends have for one kind.
type AWSKind struct {
	// Prefix begins the names, with what the class takes off its end taken
	// off already. Nil (the kwarg is null): the kind is never asked.
	Prefix *string
	// Pattern is the lookup pattern; nil: every id is asked for.
	Pattern *pyregex.Pattern
	// PatternErr is why the pattern cannot be used, which ends each look-up.
	PatternErr error
}

// awsKwargs :: kind -> what the kwargs are called.
var awsKwargs = map[airflow.Kind]string{
	airflow.KindConnection: "connections", airflow.KindVariable: "variables", airflow.KindConfig: "config",
}

// setPattern reads a *_lookup_pattern; null and "" are none. A bad one is an
// error of the look-up, as re.match is called then.
func (k *AWSKind) setPattern(kwarg string, v any) {
	if !pyjson.Truthy(v) {
		return
	}
	text, ok := v.(string)
	if !ok {
		k.PatternErr = &store.Error{Op: "match", Code: store.Invalid, Err: &airflow.Error{Type: "TypeError",
			Message: "first argument must be string or compiled pattern"}, Hint: "give " + kwarg + " a string"}
		return
	}
	k.Pattern, k.PatternErr = nil, nil
	pattern, err := pyregex.Compile(text)
	if err != nil {
		k.PatternErr = patternError(kwarg, err)
		return
	}
	k.Pattern = pattern
}

// patternError gives a pattern's error its code: what Python refuses too is
// Invalid, what airlock alone cannot keep is Unsupported.
func patternError(kwarg string, err error) error {
	var unkept *pyregex.UnsupportedError
	if errors.As(err, &unkept) {
		return &store.Error{Op: "match", Code: store.Unsupported, Err: fmt.Errorf("%s: %w", kwarg, err), Hint: "write the pattern without it"}
	}
	return &store.Error{Op: "match", Code: store.Invalid, Hint: "correct " + kwarg + ": Airflow fails at every look-up of this kind",
		Err: &airflow.Error{Type: "error", Message: err.Error()}}
}

// admits asks the pattern about an id. skip says why the id is not asked for.
func (k *AWSKind) admits(kwarg, id string) (skip string, err error) {
	switch {
	case k.PatternErr != nil:
		return kwarg + " cannot be used", k.PatternErr
	case k.Pattern == nil:
		return "", nil
	}
	ok, err := k.Pattern.Match(id)
	switch {
	case err != nil:
		return kwarg + " cannot be used", &store.Error{Op: "match", Name: id, Code: store.Invalid, Err: fmt.Errorf("%s: %w", kwarg, err),
			Hint: "the pattern takes too long on this id: make it simpler"}
	case !ok:
		return "the id does not match " + kwarg, nil
	}
	return "", nil
}

// awsKind chooses the settings of a kind; an unknown one has no prefix.
func awsKind(kind airflow.Kind, connections, variables, config *AWSKind) *AWSKind {
	switch kind {
	case airflow.KindConnection:
		return connections
	case airflow.KindVariable:
		return variables
	case airflow.KindConfig:
		return config
	}
	return &AWSKind{}
}

// declines reports what both classes ask nothing for: a kind that is switched
// off, an id that may be a team's, or one that the pattern leaves out.
func (k *AWSKind) declines(ref airflow.Ref, multiTeam bool) (Lookup, bool) {
	if k.Prefix == nil {
		return Lookup{Skip: awsKwargs[ref.Kind] + "_prefix is null"}, true
	}
	if refused, ok := awsAmbiguous(multiTeam, ref); ok {
		return refused, true
	}
	skip, err := k.admits(awsKwargs[ref.Kind]+"_lookup_pattern", ref.ID)
	return Lookup{Skip: skip, Err: err}, skip != "" || err != nil
}

// awsAmbiguous is _names_a_team_namespace.
func awsAmbiguous(multiTeam bool, ref airflow.Ref) (Lookup, bool) {
	if !multiTeam || !strings.Contains(ref.ID, awsTeamSep) {
		return Lookup{}, false
	}
	return Lookup{Warn: true, Skip: fmt.Sprintf("the id %q contains %q, which stands between team and id: in multi-team mode it could be a team's secret",
		excerpt.Name(ref.ID), awsTeamSep)}, true
}

// rstrip is str.rstrip: with a string its characters, with null blanks.
func rstrip(v, chars any) (string, error) {
	text, ok := v.(string)
	if !ok {
		return "", &airflow.Error{Type: "AttributeError", Message: fmt.Sprintf("'%s' object has no attribute 'rstrip'", pyjson.TypeName(v))}
	}
	switch chars := chars.(type) {
	case nil:
		return strings.TrimRightFunc(text, pySpace), nil
	case string:
		if chars == "" {
			return text, nil
		}
		return strings.TrimRight(text, chars), nil
	}
	return "", &airflow.Error{Type: "TypeError", Message: "rstrip arg must be None or str"}
}

// pySpace is str.isspace of one character.
func pySpace(r rune) bool { return unicode.IsSpace(r) || 0x1C <= r && r <= 0x1F }

// teamRefs returns what id may stand for: itself and, in multi-team mode, the
// secrets of teams.
func teamRefs(kind airflow.Kind, id string, multiTeam bool) []airflow.Ref {
	if id == "" {
		return nil
	}
	if !multiTeam || kind == airflow.KindConfig || !strings.Contains(id, awsTeamSep) {
		return []airflow.Ref{{Kind: kind, ID: id}}
	}
	var refs []airflow.Ref
	for i := 1; i+len(awsTeamSep) < len(id); i++ {
		rest, ok := strings.CutPrefix(id[i:], awsTeamSep)
		if ok && !strings.Contains(rest, awsTeamSep) {
			refs = append(refs, airflow.Ref{Kind: kind, ID: rest, Team: id[:i]})
		}
	}
	return refs
}

// encodeText writes a value as text: a string as it is, a connection of
// fields as its JSON form.
func encodeText(ref airflow.Ref, v Value) (*store.Secret, error) {
	text, ok := v.Data.(string)
	if v.Connection != nil {
		var err error
		if text, err = v.Connection.JSON(); err != nil {
			return nil, inexpressible(ref, "the connection has no JSON form")
		}
		ok = true
	}
	if !ok {
		return nil, inexpressible(ref, "the service keeps strings only, this is a value of another type")
	}
	return &store.Secret{Payload: []byte(text), Form: store.Text}, nil
}
