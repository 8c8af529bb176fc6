package live

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/store"
)

// lookup asks every layer for one id and reports what is wrong with the
// answers.
func (r *run) lookup(ctx context.Context, w Want) {
	for _, l := range r.layers {
		if l.store != nil {
			l.store.heard = nil
		}
	}
	res, _ := r.Resolver.Lookup(ctx, w.Ref, &airlock.LookupOptions{All: true})
	if ctx.Err() != nil || len(res.Attempts) != len(r.layers) {
		return
	}
	explained, unknown := false, false
	for i := range res.Attempts {
		told, unclear := r.attempt(ctx, w, r.layers[i], &res.Attempts[i])
		explained, unknown = explained || told, unknown || unclear
	}
	answer := r.answered(w, res)
	answer.Unknown = unknown
	answer.Unseen = res.Winner < 0 && r.unseen(w.Ref, res) != ""
	r.out.Answers = append(r.out.Answers, answer)
	switch {
	case res.Winner >= 0:
		r.passedOver(w, res)
	case w.Default || unknown:
	case explained: // another finding is about this very id
	default:
		r.missing(w, res)
	}
}

// attempt reports what is wrong with one layer's answer. told says that a
// finding explains why there is no value, unknown that the layer may have one.
func (r *run) attempt(ctx context.Context, w Want, l *layer, a *airlock.Attempt) (told, unknown bool) {
	if l.store == nil {
		return false, l.src.Err != nil
	}
	var secret *store.Secret
	name := ""
	for _, h := range l.store.heard {
		unknown = unknown || store.CodeOf(h.err) == store.Denied
		switch {
		case errors.Is(h.err, errNotAsked):
			if store.CodeOf(h.err) == store.Unavailable {
				l.unasked++
				return false, true
			}
			told = true // Probe has said why
		case useless(h.err):
			r.down(l)
			l.unasked++
			return false, true
		case h.err != nil:
			told = r.explain(ctx, w, l, h) || told
		default:
			secret, name = h.secret, h.name
		}
	}
	switch {
	case secret == nil && a.Err != nil && len(l.store.heard) == 0:
		told = true
		r.add(ruleBackend, "", r.place(w, l), fmt.Sprintf("%s: %s is not asked for: %s", l.label(), w.Ref, reason(a.Err)), store.Hint(a.Err))
	case secret == nil:
	case a.Outcome == airlock.Found:
		r.content(w, l, name, secret, a.Value)
	default:
		told = true
		r.noValue(w, l, name, secret, a)
	}
	return told, unknown
}

// explain reports why one name was not read, where there is more to say than
// that it is not there.
func (r *run) explain(ctx context.Context, w Want, l *layer, h heard) bool {
	if l.prober != nil {
		bound, cancel := context.WithTimeout(ctx, r.Timeout)
		defer cancel()
		if s := l.prober.Explain(bound, h.name, h.err); s != nil {
			r.symptom(l, s)
			return s.Name != ""
		}
	}
	where := fmt.Sprintf("%s: %s", l.label(), store.Locate(l.store, h.name))
	switch store.CodeOf(h.err) {
	case store.NotFound:
		return false
	case store.Denied:
		severity := check.Error
		if w.Default { // the DAG goes on without it
			severity = check.Warning
		}
		r.add(rulePermission, severity, r.place(w, l), fmt.Sprintf("%s may not be read: %s", where, reason(h.err)), store.Hint(h.err))
	default:
		r.add(ruleUnreadable, "", r.place(w, l), fmt.Sprintf("%s cannot be read: %s", where, reason(h.err)), store.Hint(h.err))
	}
	return true
}

// place is where the DAG asks for it, else where the layer is configured.
func (r *run) place(w Want, l *layer) Place {
	if w.Place != (Place{}) {
		return w.Place
	}
	return r.at(l)
}

// answered says which layer answers, and compares what it hides.
func (r *run) answered(w Want, res *airlock.Result) Answer {
	out := Answer{Ref: w.Ref, Default: w.Default}
	if res.Winner < 0 {
		return out
	}
	won := &res.Attempts[res.Winner]
	out.Layer, out.Name = r.layers[res.Winner].label(), lastOf(won.Names)
	for i := res.Winner + 1; i < len(res.Attempts); i++ {
		a := &res.Attempts[i]
		if a.Outcome != airlock.Found {
			continue
		}
		label := r.layers[i].label()
		out.Hides = append(out.Hides, label)
		where := label
		if a.Setting != "" && a.Layer == airlock.LayerEnvironment {
			where += " (" + a.Setting + ")"
		}
		if same(w.Ref.Kind, won.Value, a.Value) {
			r.add(ruleHidden, check.Note, r.place(w, r.layers[i]), fmt.Sprintf("%s is in %s and in %s, with the same content: the first is used", w.Ref, out.Layer, where),
				"keep it in one place")
			continue
		}
		r.add(ruleHidden, "", r.place(w, r.layers[i]), fmt.Sprintf("%s is in %s and in %s, with different content: the first is used, the other never", w.Ref, out.Layer, where),
			"remove it from the one, or from the other")
	}
	return out
}

func lastOf(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

// same compares two values in a time that tells nothing of them.
func same(kind airflow.Kind, a, b dialect.Value) bool {
	one, other := sha256.Sum256([]byte(canonical(kind, a))), sha256.Sum256([]byte(canonical(kind, b)))
	return subtle.ConstantTimeCompare(one[:], other[:]) == 1
}

// canonical is a value in a form in which equal ones are equal: of a
// connection, what Airflow makes of it.
func canonical(kind airflow.Kind, v dialect.Value) string {
	if kind != airflow.KindConnection {
		return v.Text()
	}
	c := v.Connection
	if c == nil {
		var err error
		if c, err = airflow.ParseConnection("", v.Text(), airflow.SDK); err != nil {
			return v.Text()
		}
	}
	text, err := c.URI()
	if err != nil {
		return v.Text()
	}
	return text
}

// passedOver reports layers that failed above the one that answers.
func (r *run) passedOver(w Want, res *airlock.Result) {
	for i := range res.Attempts[:res.Winner] {
		a := &res.Attempts[i]
		if a.Err == nil {
			continue
		}
		l := r.layers[i]
		why := string(a.Outcome)
		if l.store != nil && l.store.down != nil {
			why = "it cannot be used"
		}
		r.add(rulePassedOver, "", r.place(w, l), fmt.Sprintf("%s: %s fails (%s), and %s answers in its place",
			w.Ref, l.label(), why, r.layers[res.Winner].label()), "")
	}
}

// missing reports an id that nobody has. Where a sibling of it is found later,
// that takes its place.
func (r *run) missing(w Want, res *airlock.Result) {
	asked := []string{}
	for i := range res.Attempts {
		l := r.layers[i]
		if l.prober != nil && !l.blamed && res.Attempts[i].Outcome == airlock.Missing {
			l.missing = append(l.missing, w)
		}
		asked = append(asked, res.Attempts[i].Names...)
	}
	why := "nothing is asked for it"
	if len(asked) > 0 {
		why = "not found: " + excerpt.Name(strings.Join(asked, ", "))
	}
	for _, a := range res.Attempts {
		if a.Layer == airlock.LayerBackend && a.Outcome == airlock.Skipped && a.Reason != "" {
			why += "; " + a.Reason
		}
	}
	severity, fix := check.Error, creation(w.Ref)
	message := fmt.Sprintf("no layer has %s (%s)", w.Ref, why)
	if unseen := r.unseen(w.Ref, res); unseen != "" {
		severity, fix = check.Warning, "look in Airflow's UI; if it is not there: "+fix
		message = fmt.Sprintf("%s may be in Airflow's own database, which cannot be seen from here (%s); no other layer has it (%s)", w.Ref, unseen, why)
	}
	r.addWith(ruleMissing, severity, w.Place, message, raises[w.Ref.Kind], fix)
	r.missed[w.Ref] = message
}

// raises :: kind -> what Airflow does where no layer has an id.
var raises = map[airflow.Kind]string{
	airflow.KindVariable:   "Variable.get without a default raises AirflowRuntimeError in a task, and KeyError on the server.",
	airflow.KindConnection: "A connection's look-up raises AirflowNotFoundException.",
	airflow.KindConfig:     "An option is what it is without its _SECRET.",
}

// unseen is why it is not known what the metadata database has, which Airflow
// asks in the end; "" where it was asked, or is not asked for such a thing.
func (r *run) unseen(ref airflow.Ref, res *airlock.Result) string {
	if ref.Kind == airflow.KindConfig {
		return ""
	}
	for i := range res.Attempts {
		if src := r.layers[i].src; src.Layer == airlock.LayerMetadata {
			return src.Skip
		}
	}
	return "it is none of the layers"
}

// creation is the command that makes what is missing; "" for an option.
func creation(ref airflow.Ref) string {
	switch ref.Kind {
	case airflow.KindConnection:
		return "airlock connections add " + render.ShellWord(ref.ID)
	case airflow.KindVariable:
		return "airlock variables set " + render.ShellWord(ref.ID)
	}
	return ""
}
