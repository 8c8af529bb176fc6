package vaultstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

var _ store.Prober = (*Store)(nil)

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	var calls []store.Call
	add := func(method, name, when string) {
		calls = append(calls, store.Call{Method: method, Name: name, When: when})
	}
	switch ask {
	case store.AskService:
		add("GET", "sys/health", "")
		login := s.loginPath()
		if login != "" {
			add("POST", login, "")
		}
		add("GET", "auth/token/lookup-self", "")
		for _, mount := range s.mountsOf(names) {
			add("GET", "sys/internal/ui/mounts/"+mount, "")
		}
		if len(names) > 0 {
			add("POST", "sys/capabilities-self", "")
			add("GET", "sys/internal/ui/mounts", "the token sees no engine there")
		}
		if login != "" {
			add("POST", login, "a read is refused, and the read once more")
		}
	case store.AskGet:
		for _, name := range names {
			add("GET", s.Locate(name), "")
		}
	case store.AskPeek:
		for _, prefix := range names {
			if mount, folder, ok := s.folder(prefix); ok {
				add(vault.MethodList, cleanPath(s.at(mount, "metadata", folder)), "")
			}
		}
	}
	return calls
}

// loginPath is where the method logs in; "" for one that sends no request.
func (s *Store) loginPath() string {
	login := func(mount, method string) string {
		if mount == "" {
			mount = method
		}
		return "auth/" + mount + "/login"
	}
	switch a := s.auth.(type) {
	case AppRole:
		return login(a.Mount, "approle")
	case AWSIAM:
		return login(a.Mount, "aws")
	case Azure:
		return "auth/" + strings.TrimSuffix(strings.TrimPrefix(login(a.Mount, "azure"), "auth/"), "/login") + "/config"
	case GCP:
		return login(a.Mount, "gcp")
	case GitHub:
		return login(a.Mount, "github")
	case JWT:
		return login(a.Mount, "jwt")
	case Kubernetes:
		return login(a.Mount, "kubernetes")
	case LDAP:
		return login(a.Mount, "ldap") + "/" + a.Username
	case RADIUS:
		return "auth/" + strings.TrimSuffix(strings.TrimPrefix(login(a.Mount, "radius"), "auth/"), "/login") + "/config"
	case Userpass:
		return login(a.Mount, "userpass") + "/" + a.Username
	}
	return ""
}

// mountsOf are the engines that names are in.
func (s *Store) mountsOf(names []string) []string {
	if s.mount != "" {
		return []string{cleanPath(s.mount)}
	}
	var mounts []string
	for _, name := range names {
		if mount, _, ok := s.split(name); ok && !slices.Contains(mounts, mount) {
			mounts = append(mounts, mount)
		}
	}
	return mounts
}

// folder is the folder of an engine that prefix names or is within.
func (s *Store) folder(prefix string) (mount, folder string, ok bool) {
	mount, within, ok := s.split(prefix)
	if !ok {
		return "", "", false
	}
	return mount, within[:strings.LastIndex(within, "/")+1], true
}

// Probe implements store.Prober: health and clock, the log-in, the token, the
// engine and its version, the capabilities on each name.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	const op = "check"
	if s.broken != nil {
		return nil, s.fail(op, "", s.broken)
	}
	p := &probe{s: s, ctx: ctx, names: names}
	if err := p.health(); err != nil {
		return p.found, s.fail(op, "", err)
	}
	g, err := s.doorman.enter(ctx, nil)
	if err != nil {
		err = s.fail("log in", "", err)
		var e *store.Error
		if errors.As(err, &e) && e.Code == store.NotFound { // no such method is no log-in
			e.Code = store.Unauthenticated
		}
		return p.found, err
	}
	p.token = g.token
	for _, step := range []func() error{p.self, p.engines, p.capabilities} {
		if err := step(); err != nil {
			return p.found, s.fail(op, "", err)
		}
	}
	if p.asked > 1 && p.asked == p.refused {
		return p.found, s.fail("log in", "", &store.Error{Code: store.Unauthenticated, Err: p.refusal, Hint: s.hint(p.refusal)})
	}
	return p.found, nil
}

// probe is one Probe.
type probe struct {
	s     *Store
	ctx   context.Context
	names []string
	token string
	found []store.Symptom
	// unseen are the engines that the token may not look at.
	unseen []string
	// policies are the token's.
	policies []string
	// asked counts the requests with the token, refused those with answer 403,
	// refusal is the last.
	asked, refused int
	refusal        *ResponseError
}

func (p *probe) add(s store.Symptom) { p.found = append(p.found, s) }

// ask sends one request with the token; seen is false where it is refused.
func (p *probe) ask(method, path string, body, data any) (seen bool, err error) {
	var res vault.Response
	err = p.s.send(p.ctx, request{method: method, path: path, token: p.token, body: body}, &res)
	p.asked++
	var refusal *ResponseError
	switch {
	case errors.As(err, &refusal) && refusal.Status < 500:
		if refusal.Status == http.StatusForbidden {
			p.refused++
			p.refusal = refusal
		}
		return false, nil
	case err != nil:
		return false, err
	}
	return json.Unmarshal(res.Data, data) == nil, nil
}

// apart is how far clocks may be apart without a word.
const apart = time.Minute

// health asks whether the server serves reads, and what time it is there.
func (p *probe) health() error {
	r := request{method: "GET", path: "sys/health", query: "standbyok=true&perfstandbyok=true", root: true}
	before := time.Now()
	answer, err := p.s.roundTrip(p.ctx, r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	p.clock(answer, before)
	if answer.StatusCode >= 400 {
		return p.s.refusal(r, answer)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxRefusal))
	if err != nil {
		return err
	}
	var health vault.Health
	if err := decode(body, &health); err != nil {
		return errNotJSON
	}
	if !health.Initialized || health.Sealed {
		return errNotJSON // a Vault says both by its status
	}
	return nil
}

// clock compares the server's time with ours: tokens that are signed hold one.
func (p *probe) clock(answer *http.Response, before time.Time) {
	theirs, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return
	}
	off := before.Sub(theirs).Round(time.Second)
	if off.Abs() <= apart {
		return
	}
	word := "ahead of"
	if off < 0 {
		word = "behind"
	}
	method := p.s.auth.Name()
	signed := slices.Contains([]string{"aws_iam", "gcp", "jwt", "kubernetes"}, method)
	text := fmt.Sprintf("this computer's clock is %v %s the server's", off.Abs(), word)
	if signed {
		text += fmt.Sprintf(", and what the %s log-in shows holds a time: it may be refused", method)
	}
	p.add(store.Symptom{Topic: store.TopicClock, Text: text, Fix: "sudo timedatectl set-ntp true", Mild: !signed})
}

// self looks at the token.
func (p *probe) self() error {
	var t vault.TokenInfo
	seen, err := p.ask("GET", "auth/token/lookup-self", nil, &t)
	if err != nil || !seen {
		return err
	}
	p.policies = t.Policies
	given := p.s.auth.Name() == "token"
	if slices.Contains(t.Policies, "root") {
		p.add(store.Symptom{Topic: store.TopicTooWide, Text: "the token is a root token: who reads it may do everything on this server",
			Fix: "give Airflow a log-in with this policy alone:\n" + p.s.stanzas(p.names)})
	}
	left := time.Duration(t.TTL) * time.Second
	if given && t.ExpireTime != nil && left < soon {
		fix := "vault token create -period=768h -policy=POLICY"
		if t.Renewable {
			fix = "vault token renew, or a token that lasts:\n" + fix
		}
		p.add(store.Symptom{Topic: store.TopicToken, Fix: fix,
			Text: fmt.Sprintf("the token ends in %v, and with auth_type token Airflow neither renews it nor gets another", left.Round(time.Minute))})
	}
	if given && t.NumUses > 0 {
		p.add(store.Symptom{Topic: store.TopicToken, Fix: "vault token create -period=768h -policy=POLICY",
			Text: fmt.Sprintf("the token may be used %d times more, and each read is one", t.NumUses)})
	}
	return nil
}

// soon is how long before its end a token is worth a word.
const soon = 24 * time.Hour

// engines looks at the mounts: are they KV, and of the version in use?
func (p *probe) engines() error {
	for _, mount := range p.s.mountsOf(p.names) {
		var m vault.Mount
		seen, err := p.ask("GET", "sys/internal/ui/mounts/"+quote(mount), nil, &m)
		if err != nil {
			return err
		}
		if !seen {
			p.unseen = append(p.unseen, mount)
			continue
		}
		version := 1
		if m.Options["version"] == "2" {
			version = 2
		}
		switch {
		case m.Type != "kv" && m.Type != "generic":
			p.add(store.Symptom{Topic: store.TopicMount, Blames: true, Text: fmt.Sprintf("the mount %q is of type %q, not a KV engine", mount, m.Type),
				Fix: "set mount_point to a KV engine: vault secrets list"})
		case version != p.s.version:
			p.add(store.Symptom{Topic: store.TopicKVVersion, Blames: true,
				Text: fmt.Sprintf("the engine at %q is KV version %d, and version %d is asked for: every secret there counts as missing", mount, version, p.s.version),
				Fix:  fmt.Sprintf(`"kv_engine_version": %d`, version)})
		}
	}
	return nil
}

// capabilities asks what the token may do with each name.
func (p *probe) capabilities() error {
	blamed := slices.ContainsFunc(p.found, func(s store.Symptom) bool { return s.Blames })
	if len(p.names) == 0 || blamed { // the paths are wrong anyway
		return nil
	}
	paths := make([]string, len(p.names))
	for i, name := range p.names {
		paths[i] = p.s.Locate(name)
	}
	var answer map[string]json.RawMessage
	seen, err := p.ask("POST", "sys/capabilities-self", map[string]any{"paths": paths}, &answer)
	if err != nil || !seen {
		return err
	}
	denied, wide := []int{}, map[string][]string{}
	for i, path := range paths {
		var may []string
		if raw, ok := answer[path]; !ok || json.Unmarshal(raw, &may) != nil {
			continue
		}
		if !slices.Contains(may, "read") && !slices.Contains(may, "root") {
			denied = append(denied, i)
		}
		for _, more := range []string{"create", "update", "patch", "delete", "sudo"} {
			if slices.Contains(may, more) {
				wide[more] = append(wide[more], path)
			}
		}
	}
	p.tooWide(wide)
	if len(denied) == 0 {
		return nil
	}
	if missing, err := p.misplaced(); missing || err != nil {
		return err
	}
	for _, i := range denied {
		p.add(p.s.notGranted(p.names[i], p.policies))
	}
	return nil
}

func (p *probe) tooWide(wide map[string][]string) {
	var may, paths []string
	for _, more := range []string{"create", "update", "patch", "delete", "sudo"} {
		if len(wide[more]) > 0 {
			may = append(may, more)
			paths = append(paths, wide[more]...)
		}
	}
	if len(may) == 0 {
		return
	}
	slices.Sort(paths)
	p.add(store.Symptom{Topic: store.TopicTooWide, Fix: p.s.stanzas(p.names), Text: fmt.Sprintf(
		"the token may also %s, on %s: Airflow only reads", strings.Join(may, ", "), few(slices.Compact(paths)))})
}

// misplaced tells whether the engine that the names are in is not there, as
// far as the token sees engines at all.
func (p *probe) misplaced() (bool, error) {
	if len(p.unseen) == 0 {
		return false, nil
	}
	var visible struct{ Secret map[string]vault.Mount }
	seen, err := p.ask("GET", "sys/internal/ui/mounts", nil, &visible)
	if err != nil || !seen {
		return false, err
	}
	var engines []string
	for path, m := range visible.Secret {
		if m.Type == "kv" || m.Type == "generic" {
			engines = append(engines, strings.TrimSuffix(path, "/"))
		}
	}
	slices.Sort(engines)
	if len(engines) == 0 || slices.Contains(engines, p.unseen[0]) {
		return false, nil
	}
	fix := "mount_point: one of " + strings.Join(engines, ", ")
	if len(engines) == 1 {
		fix = fmt.Sprintf(`"mount_point": %q`, engines[0])
	}
	p.add(store.Symptom{Topic: store.TopicMount, Blames: true, Fix: fix, Text: fmt.Sprintf(
		"the token sees no KV engine at %q, but at %s: there is none, or no policy names it", p.unseen[0], strings.Join(engines, ", "))})
	return true, nil
}

// notGranted is a name that the token may not read.
func (s *Store) notGranted(name string, policies []string) store.Symptom {
	who := "the token"
	if len(policies) > 0 {
		who = "the token, of the policies " + strings.Join(policies, ", ") + ","
	}
	return store.Symptom{Topic: store.TopicPermission, Name: name, Fix: s.stanzas([]string{name}),
		Text: fmt.Sprintf("%s has no capability read on %s", who, s.Locate(name))}
}

// stanzas is the policy that lets one read names and nothing else.
func (s *Store) stanzas(names []string) string {
	var b strings.Builder
	for i, name := range names {
		const most = 50
		if i == most {
			fmt.Fprintf(&b, "# and %d more\n", len(names)-most)
			break
		}
		fmt.Fprintf(&b, "path %q {\n  capabilities = [\"read\"]\n}\n", s.Locate(name))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// few names some of a list.
func few(all []string) string {
	const most = 3
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}
