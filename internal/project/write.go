package project

import (
	"strings"
)

// arguments are the words of a command after its name, taken apart.
type arguments struct {
	command *Command
	program string
	// plain are the words that are no options, options those that are: by
	// name without dashes, with their value or an empty word.
	plain   []Word
	options map[string]Word
	// lists are further values behind an option, as az takes them.
	lists map[string][]Word
}

// argumentsOf takes a command apart. Options of the tools here have a value
// behind them or behind "=", but for switches.
func argumentsOf(c *Command, switches ...string) arguments {
	a := arguments{command: c, options: map[string]Word{}, lists: map[string][]Word{}}
	words := c.Words
	for len(words) > 0 && (words[0].Text == "sudo" || words[0].Text == "env" || words[0].Text == "time") {
		words = words[1:]
	}
	if len(words) == 0 {
		return a
	}
	a.program = strings.TrimSuffix(words[0].Text[strings.LastIndexByte(words[0].Text, '/')+1:], ".exe")
	name := ""
	for _, w := range words[1:] {
		switch {
		case strings.HasPrefix(w.Text, "-") && len(w.Text) > 1:
			var value string
			var with bool
			name, value, with = strings.Cut(strings.TrimLeft(w.Text, "-"), "=")
			rest := Word{Span: Span{w.Span.File, w.Span.End, w.Span.End}}
			if with {
				rest = w
				rest.Text = value
				rest.Span.Start += strings.IndexByte(w.Text, '=') + 1
			}
			a.options[name] = rest
			if with || contains(switches, name) {
				name = ""
			}
		case name != "" && len(a.lists[name]) == 0:
			a.options[name] = w
			a.lists[name] = append(a.lists[name], w)
			if a.program != "az" {
				name = ""
			}
		case name != "":
			a.lists[name] = append(a.lists[name], w)
		default:
			a.plain = append(a.plain, w)
		}
	}
	return a
}

func contains(list []string, s string) bool {
	for _, one := range list {
		if one == s {
			return true
		}
	}
	return false
}

// is tells whether the first plain words are these.
func (a arguments) is(program string, words ...string) bool {
	if a.program != program || len(a.plain) < len(words) {
		return false
	}
	for i, w := range words {
		if a.plain[i].Text != w {
			return false
		}
	}
	return true
}

// option is the first of several names that is given.
func (a arguments) option(names ...string) (Word, bool) {
	for _, name := range names {
		if w, ok := a.options[name]; ok {
			return w, true
		}
	}
	return Word{}, false
}

// vaultSwitches are the options of vault that take no value.
var vaultSwitches = []string{"f", "force", "non-interactive", "tls-skip-verify"}

// writes looks at what the commands write: entries and grants.
func (r *reader) writes() {
	for i := range r.project.Commands {
		c := &r.project.Commands[i]
		a := argumentsOf(c, vaultSwitches...)
		switch a.program {
		case "vault", "bao":
			r.vaultWrites(a)
		case "aws":
			r.awsWrites(a)
		case "gcloud":
			r.gcloudWrites(a)
		case "az":
			r.azWrites(a)
		}
	}
}

func (r *reader) stored(a arguments, service string, name, content Word, known bool) *Entry {
	e := Entry{Layer: InStore, Store: service, Remote: name.Text, At: name.Span, Span: content.Span, Command: a.command}
	if e.Known = known && !content.Expands; e.Known {
		e.Text = content.Text
	}
	r.project.Entries = append(r.project.Entries, e)
	return &r.project.Entries[len(r.project.Entries)-1]
}

func (r *reader) vaultWrites(a arguments) {
	program := a.program
	switch {
	case (a.is(program, "kv", "put") || a.is(program, "kv", "patch")) && len(a.plain) > 2:
		name := a.plain[2]
		if mount, ok := a.options["mount"]; ok {
			name.Text = strings.Trim(mount.Text, "/") + "/" + strings.TrimPrefix(name.Text, "/")
		}
		r.vaultFields(a, name, a.plain[3:])
	case a.is(program, "write") && len(a.plain) > 2:
		name := a.plain[1]
		switch first, _, _ := strings.Cut(strings.TrimPrefix(name.Text, "/"), "/"); first {
		case "auth", "sys", "identity":
		default:
			r.vaultFields(a, name, a.plain[2:])
		}
	case a.is(program, "policy", "write") && len(a.plain) > 2:
		if in := a.command.Input; in != nil && a.plain[len(a.plain)-1].Text == "-" {
			f, from := in.Span.File, in.Span.Start
			text := in.Span.Text()
			r.vaultPolicy(text, func(start, end int) Span { return Span{f, from + start, from + end} })
		}
	}
}

// vaultFields takes up a secret written as name=value words. A value from a
// file, from the input or from a variable is not known.
func (r *reader) vaultFields(a arguments, name Word, fields []Word) {
	content := Word{Span: name.Span}
	for i, w := range fields {
		if i == 0 {
			content.Span = w.Span
		}
		content.Span.End = max(content.Span.End, w.Span.End)
	}
	e := r.stored(a, "vault", name, content, true)
	e.Text, e.Fields = "", map[string]string{}
	for _, w := range fields {
		key, value, ok := strings.Cut(w.Text, "=")
		switch {
		case !ok:
			e.Known = false
			continue
		case w.Expands || value == "-" || strings.HasPrefix(value, "@"):
			value, e.Known = "", false
		}
		e.Fields[key] = value
	}
}

func (r *reader) awsWrites(a arguments) {
	switch {
	case a.is("aws", "ssm", "put-parameter"):
		r.awsValue(a, "ssm", []string{"name"}, "value")
	case a.is("aws", "secretsmanager", "create-secret"), a.is("aws", "secretsmanager", "put-secret-value"), a.is("aws", "secretsmanager", "update-secret"):
		r.awsValue(a, "secretsmanager", []string{"name", "secret-id"}, "secret-string", "secret-binary")
	case a.is("aws", "iam", "attach-role-policy"), a.is("aws", "iam", "attach-user-policy"), a.is("aws", "iam", "attach-group-policy"):
		if arn, ok := a.option("policy-arn"); ok {
			r.grant("aws", a, arn, nil, []string{arn.Text})
		}
	case a.is("aws", "iam", "create-policy"), a.is("aws", "iam", "put-role-policy"), a.is("aws", "iam", "put-user-policy"):
		if doc, ok := a.option("policy-document"); ok && !doc.Expands && strings.HasPrefix(strings.TrimSpace(doc.Text), "{") {
			f, from := doc.Span.File, doc.Span.Start
			text := doc.Span.Text()
			r.cloudPolicy(blankQuotes(text), func(start, end int) Span { return Span{f, from + start, from + end} })
		}
	}
}

// blankQuotes takes the shell's quotes off a word without moving the rest.
func blankQuotes(text string) string {
	if len(text) > 1 && text[0] == '\'' && text[len(text)-1] == '\'' {
		return " " + text[1:len(text)-1] + " "
	}
	return text
}

func (r *reader) awsValue(a arguments, service string, names []string, values ...string) {
	name, ok := a.option(names...)
	if !ok {
		return
	}
	content, given := a.option(values...)
	_, binary := a.options["secret-binary"]
	if !given {
		content = name
	}
	r.stored(a, service, name, content, given && !binary && !strings.HasPrefix(content.Text, "file://"))
}

func (r *reader) gcloudWrites(a arguments) {
	switch {
	case a.is("gcloud", "secrets", "create") && len(a.plain) > 2:
		r.gcloudValue(a, a.plain[2])
	case a.is("gcloud", "secrets", "versions", "add") && len(a.plain) > 3:
		r.gcloudValue(a, a.plain[3])
	case len(a.plain) > 1 && contains(wordTexts(a.plain), "add-iam-policy-binding"):
		if role, ok := a.option("role"); ok {
			r.grant("gcp", a, role, []string{a.plain[len(a.plain)-1].Text}, []string{role.Text})
		}
	}
}

func wordTexts(words []Word) []string {
	var list []string
	for _, w := range words {
		list = append(list, w.Text)
	}
	return list
}

func (r *reader) gcloudValue(a arguments, name Word) {
	content, known := name, false
	if file, ok := a.options["data-file"]; ok {
		content = file
		if in := a.command.Input; in != nil && (file.Text == "-" || file.Text == "/dev/stdin") {
			content, known = *in, true
		}
	}
	r.stored(a, "gcp", name, content, known)
}

func (r *reader) azWrites(a arguments) {
	switch {
	case a.is("az", "keyvault", "secret", "set"):
		name, ok := a.option("name", "n")
		content, given := a.option("value")
		if !given {
			content = name
		}
		if ok {
			r.stored(a, "azure", name, content, given)
		}
	case a.is("az", "keyvault", "set-policy"):
		r.azurePolicy(a)
	case a.is("az", "role", "assignment", "create"):
		if role, ok := a.option("role"); ok {
			scope, _ := a.option("scope")
			r.grant("azure", a, role, notEmpty(scope.Text), []string{role.Text})
		}
	}
}

func notEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// azurePolicy is an access policy of a key vault: what it allows for secrets,
// and with the name of the thing in front what it allows for others.
func (r *reader) azurePolicy(a arguments) {
	var actions []string
	var at Word
	for _, kind := range []struct{ option, prefix string }{
		{"secret-permissions", ""}, {"key-permissions", "keys/"}, {"certificate-permissions", "certificates/"},
	} {
		for _, w := range a.lists[kind.option] {
			actions = append(actions, kind.prefix+w.Text)
			if at.Span.File == nil {
				at = w
			}
			at.Span.End = max(at.Span.End, w.Span.End)
		}
	}
	vault, _ := a.option("name", "n")
	if len(actions) > 0 {
		r.grant("azure", a, at, notEmpty(vault.Text), actions)
	}
}

// grant takes up a grant that a command makes.
func (r *reader) grant(service string, a arguments, at Word, resources, actions []string) {
	r.project.Policies = append(r.project.Policies, Policy{
		Service: service, Span: a.command.Span,
		Rules: []Grant{{Resources: resources, Actions: actions, Span: at.Span}},
	})
}
