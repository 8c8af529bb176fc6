package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

// kvEvidence is something in the project that says of which version a mount is.
type kvEvidence struct {
	mount   string
	version int
	at      project.Span
	// what the place does, for a sentence: "enables version 1".
	what string
}

func findKVVersion(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service != "vault" || n.mount == "" || n.kvVersion() == 0 {
			continue
		}
		given := "kv_engine_version is not given, which is 2"
		if n.has("kv_engine_version") {
			given = fmt.Sprintf("kv_engine_version is %d", n.kvVersion())
		}
		evidence := kvOf(s, n)
		if len(evidence) == 0 || slices.ContainsFunc(evidence, func(e kvEvidence) bool { return e.version == n.kvVersion() }) {
			saysVersionOne(s, n, len(evidence) > 0, report)
			continue
		}
		e := evidence[0]
		report(Finding{
			Span:    n.At("kv_engine_version"),
			Message: fmt.Sprintf("%s, but %s %s of the mount %q", given, place(e.at), e.what, n.mount),
			Fix:     fmt.Sprintf(`"kv_engine_version": %d`, e.version),
		})
	}
}

// kvOf is what commands say of the version of a backend's mount.
func kvOf(s *Subject, n *naming) []kvEvidence {
	var list []kvEvidence
	for i := range s.Project.Commands {
		if e, ok := kvOfCommand(&s.Project.Commands[i], n); ok && e.mount == n.mount {
			list = append(list, e)
		}
	}
	return list
}

func kvOfCommand(c *project.Command, n *naming) (kvEvidence, bool) {
	if len(c.Words) < 3 || c.Words[0].Text != "vault" && c.Words[0].Text != "bao" {
		return kvEvidence{}, false
	}
	switch c.Words[1].Text + " " + c.Words[2].Text {
	case "secrets enable":
		return kvEnabled(c)
	case "kv enable-versioning":
		mount, at, ok := argument(c, 3)
		return kvEvidence{strings.Trim(mount, "/"), 2, at, "turns on version 2"}, ok
	}
	if c.Words[1].Text != "write" {
		return kvEvidence{}, false
	}
	path, at, ok := argument(c, 2)
	mount, rest, found := strings.Cut(strings.Trim(path, "/"), "/")
	if _, _, given := pairOf(c, "value"); !ok || !found || mount != n.mount || !given || len(n.rules.Refs(rest)) == 0 {
		return kvEvidence{}, false
	}
	return kvEvidence{mount, 1, at, "writes to the path of version 1"}, true
}

// kvEnabled reads "vault secrets enable [-path=MOUNT] [-version=N] TYPE".
func kvEnabled(c *project.Command) (kvEvidence, bool) {
	e := kvEvidence{version: 1, at: c.Span}
	kind := ""
	for i := 3; i < len(c.Words); i++ {
		name, value, joined := strings.Cut(strings.TrimLeft(c.Words[i].Text, "-"), "=")
		isFlag := strings.HasPrefix(c.Words[i].Text, "-")
		takes := name == "path" || name == "version" || name == "description" || name == "namespace" || name == "address"
		if isFlag && takes && !joined && i+1 < len(c.Words) {
			i++
			value = c.Words[i].Text
		}
		switch {
		case isFlag && name == "path":
			e.mount = strings.Trim(value, "/")
		case isFlag && name == "version" && value == "2":
			e.version = 2
		case !isFlag:
			kind = c.Words[i].Text
		}
	}
	if e.mount == "" {
		e.mount = kind
	}
	switch kind {
	case "kv-v2":
		e.version = 2
	case "kv", "kv-v1", "generic":
	default:
		return kvEvidence{}, false
	}
	e.what = fmt.Sprintf("enables version %d", e.version)
	return e, true
}

// versionOne is how a text says that secrets were written with version 1.
var versionOne = lazyregexp.New(`(?i)\b(written|wrote|created|stored)\b[^.]*\b(using|with|in)\s+(the\s+)?(KV\s+)?(v1|version 1)\b`)

// saysVersionOne reports a document that says so of a mount that is read with
// version 2.
func saysVersionOne(s *Subject, n *naming, known bool, report Report) {
	if n.kvVersion() != 2 {
		return
	}
	for _, words := range s.versionOnes() {
		finding := Finding{
			Severity: Warning, Fix: `"kv_engine_version": 1`, Span: words,
			Message: fmt.Sprintf("the text says that the secret is one of version 1, but the backend of %s reads version 2", place(n.spot())),
		}
		if known || policiesOfTwo(s, n) {
			finding.Message += ", which is what the rest of the project says too"
			finding.Fix = "written using v2"
		}
		report(finding)
	}
}

// versionOnes are the words of documents by which they say so.
func (s *Subject) versionOnes() []project.Span {
	return remember(&s.known.versionOnes, func() (list []project.Span) {
		for _, sentence := range s.sentences() {
			text := sentence.Text()
			if !strings.Contains(text, "1") {
				continue
			}
			if m := versionOne.FindStringIndex(text); m != nil && strings.Contains(sentence.File.Text, "kv_engine_version") {
				list = append(list, project.Span{File: sentence.File, Start: sentence.Start + m[0], End: sentence.Start + m[1]})
			}
		}
		return list
	})
}

// policiesOfTwo tells whether the policies have paths of version 2.
func policiesOfTwo(s *Subject, n *naming) bool {
	for _, p := range s.Project.Policies {
		for _, g := range p.Rules {
			if p.Service == "vault" && slices.ContainsFunc(g.Resources, func(path string) bool { return strings.HasPrefix(path, n.mount+"/data/") }) {
				return true
			}
		}
	}
	return false
}

func findWrongField(s *Subject, report Report) {
	for _, n := range namings(s) {
		if n.Row.Service != "vault" {
			continue
		}
		for _, e := range written(s, "vault") {
			refs := n.refs(storeName(e))
			if len(refs) == 0 || !fieldsKnown(e) {
				continue
			}
			if f := wrongField(refs, e); f.Message != "" {
				f.Span = e.At
				report(f)
			}
		}
	}
}

// fieldsKnown tells whether all keys that the secret gets stand in the command.
func fieldsKnown(e *project.Entry) bool {
	if len(e.Fields) == 0 || e.Command == nil || len(e.Command.Words) > 2 && e.Command.Words[2].Text == "patch" {
		return false
	}
	for _, w := range e.Command.Words {
		if strings.HasPrefix(w.Text, "@") || w.Text == "-" {
			return false
		}
	}
	for name := range e.Fields {
		if dynamic(name) {
			return false
		}
	}
	return true
}

// wrongField says what is wrong with the keys of a secret, for each kind that
// it may be; the message is empty where one of them can read it.
func wrongField(refs []airflow.Ref, e *project.Entry) Finding {
	var f Finding
	for _, ref := range refs {
		if f = wrongFieldOf(ref, e); f.Message == "" {
			return f
		}
	}
	return f
}

// wrongFieldOf leaves it to the rules about connections to look at the fields
// of one that has a type.
func wrongFieldOf(ref airflow.Ref, e *project.Entry) Finding {
	has := func(name string) bool {
		_, ok := e.Fields[name]
		return ok
	}
	if ref.Kind != airflow.KindConnection {
		if has("value") {
			return Finding{}
		}
		return Finding{
			Message: fmt.Sprintf("%q is the %s %q, but has no key \"value\", which is the one that is read", e.Remote, ref.Kind, ref.ID), Fix: "value=<value>",
			Airflow: "The backend logs the warning \"Vault secret ... fetched but does not have required key \"value\"\" and answers None.",
		}
	}
	if has("conn_uri") || has("conn_type") || has("uri") && len(e.Fields) == 1 {
		return Finding{}
	}
	return Finding{
		Message: fmt.Sprintf("%q is the connection %q, but has neither the key \"conn_uri\" nor \"conn_type\"", e.Remote, ref.ID),
		Fix:     "conn_uri=<type>://<login>:<password>@<host>:<port>/<schema>",
		Airflow: "The backend hands all keys on as the connection's JSON. A key that is no field of a connection makes it fail, which is one line at " +
			"debug level and ends as \"isn't defined\"; with fields only it is a connection without a type, for which there is no hook.",
	}
}
