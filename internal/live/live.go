// Package live asks the stores of a configuration what is wrong with it: are
// they reachable, does the log-in work, may the caller read what the DAGs
// need, which layer answers for each of them. It reads no more than that, in
// an order that can be shown before, and no finding holds any part of a value.
package live

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/store"
)

// Bounds of a check. What is over them is said to be left out.
const (
	// MostIDs is how many ids are looked up.
	MostIDs = 500
	// mostPeeks is how many prefixes of a store are listed for ids that are
	// missing, mostTries how many names are tried where it does not list.
	mostPeeks, mostTries = 12, 30
	// DefaultTimeout is how long one question to a store may take.
	DefaultTimeout = 15 * time.Second
)

// Place is a place in a file; the zero value is none.
type Place struct {
	File         string
	Line, Column int
}

// Want is an id that the DAGs need.
type Want struct {
	Ref airflow.Ref
	// Default is set where the DAG has one, so that a miss is no error.
	Default bool
	// Place is where the DAG first asks for it.
	Place Place
}

// Options say what to check.
type Options struct {
	// Resolver has the layers. It stays the caller's, who closes it.
	Resolver *airlock.Resolver
	// Wants are looked up in this order, each id once, the first MostIDs.
	Wants []Want
	// At says where a layer is configured; nil knows no place.
	At func(src *airlock.Source) Place
	// Timeout of one question; 0: DefaultTimeout.
	Timeout time.Duration
	// Progress is told how many of the steps are done. Nil: nobody is.
	Progress func(done, of int)
}

// Report is what a check found.
type Report struct {
	Findings []check.Finding
	// Answers are which layer answers each id, in the order of Wants.
	Answers []Answer
}

// Answer is which layer answers an id.
type Answer struct {
	Ref airflow.Ref
	// Layer answers, under the name Name; both are empty where none does.
	Layer, Name string
	// Hides are the layers below that have one too.
	Hides []string
	// Default is set where the DAGs have one.
	Default bool
	// Unknown is set where a layer that was not asked, or failed, could have
	// been the one.
	Unknown bool
	// Unseen is set where no layer answers, and the metadata database, which
	// may have it, cannot be seen from here.
	Unseen bool
}

// Check asks. The error is that of a context that ended.
func Check(ctx context.Context, o Options) (*Report, error) {
	r := newRun(o)
	for i := range r.layers {
		if src := r.layers[i].src; src.Err != nil {
			r.unbuilt(r.layers[i])
			if src.Fatal {
				return r.report(ctx)
			}
		}
	}
	for _, l := range r.layers {
		r.service(ctx, l)
		r.step()
	}
	for _, w := range r.wants {
		if ctx.Err() != nil {
			break
		}
		r.lookup(ctx, w)
		r.step()
	}
	for _, l := range r.layers {
		if ctx.Err() == nil {
			r.siblings(ctx, l)
		}
		r.step()
	}
	r.leftOut()
	return r.report(ctx)
}

// run is one check.
type run struct {
	Options
	layers []*layer
	wants  []Want
	rules  map[string]check.Rule
	missed map[airflow.Ref]string // the message of each id that nobody has
	more   int                    // ids beyond the bound
	done   int
	out    Report
}

// distinct are the wants with each id once: where it is needed without a
// default, if there is such a place.
func distinct(wants []Want) []Want {
	index := map[airflow.Ref]int{}
	var all []Want
	for _, w := range wants {
		i, ok := index[w.Ref]
		switch {
		case !ok:
			index[w.Ref] = len(all)
			all = append(all, w)
		case all[i].Default && !w.Default:
			all[i] = w
		}
	}
	return all
}

// layer is one source of the resolver.
type layer struct {
	src *airlock.Source
	// store is nil where there is nothing to ask.
	store *watched
	// prober is nil where the store cannot find out why it fails.
	prober store.Prober
	// blamed is set once it is known why everything is missing.
	blamed bool
	// missing are the ids that the layer does not have, and no layer has.
	missing []Want
	// unasked counts the ids that the layer was not asked for.
	unasked int
}

func newRun(o Options) *run {
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	r := &run{Options: o, rules: map[string]check.Rule{}, missed: map[airflow.Ref]string{}}
	all := distinct(o.Wants)
	r.wants, r.more = all[:min(len(all), MostIDs)], max(len(all)-MostIDs, 0)
	for _, rule := range Rules() {
		r.rules[rule.ID] = rule
	}
	watching := *o.Resolver
	watching.Sources = slices.Clone(o.Resolver.Sources)
	for i := range watching.Sources {
		src := &watching.Sources[i]
		l := &layer{src: src}
		if src.Store != nil && src.Skip == "" && src.Err == nil {
			l.prober, _ = src.Store.(store.Prober)
			l.store = &watched{Store: src.Store, timeout: o.Timeout, withheld: map[string]bool{}}
			src.Store = l.store
		}
		r.layers = append(r.layers, l)
	}
	r.Resolver = &watching
	return r
}

func (r *run) step() {
	r.done++
	if r.Progress != nil {
		r.Progress(r.done, 2*len(r.layers)+len(r.wants))
	}
}

func (r *run) report(ctx context.Context) (*Report, error) {
	check.Sort(r.out.Findings)
	return &r.out, ctx.Err()
}

// add reports a finding of a rule at a place. An empty severity is the rule's.
func (r *run) add(rule string, severity check.Severity, at Place, message, fix string) {
	r.addWith(rule, severity, at, message, r.rules[rule].Airflow, fix)
}

// addWith is add where Airflow does something else than the rule says.
func (r *run) addWith(rule string, severity check.Severity, at Place, message, does, fix string) {
	f := check.Finding{Rule: rule, Severity: cmp.Or(severity, r.rules[rule].Severity), File: at.File, Line: at.Line, Column: at.Column,
		Message: message, Airflow: does, Fix: fix}
	same := func(g check.Finding) bool {
		return g.Rule == f.Rule && g.File == f.File && g.Line == f.Line && g.Column == f.Column && g.Message == f.Message
	}
	if !slices.ContainsFunc(r.out.Findings, same) {
		r.out.Findings = append(r.out.Findings, f)
	}
}

// at is where a layer is configured.
func (r *run) at(l *layer) Place {
	if r.At == nil {
		return Place{}
	}
	return r.At(l.src)
}

// names are what the layer is asked for, for all ids, each once.
func (r *run) names(l *layer) []string {
	var all []string
	seen := map[string]bool{}
	for _, w := range r.wants {
		for _, name := range l.names(w.Ref) {
			if !seen[name] {
				seen[name] = true
				all = append(all, name)
			}
		}
	}
	return all
}

// names are what the layer is asked for, in order; none where it is not asked.
func (l *layer) names(ref airflow.Ref) []string {
	if l.store == nil || l.src.Dialect == nil || ref.Kind == airflow.KindConfig && l.src.Layer != airlock.LayerBackend {
		return nil
	}
	return l.src.Dialect.Names(ref).Names
}

// label is how a person knows the layer.
func (l *layer) label() string {
	if l.store != nil {
		if label := store.Label(l.store.Store); label != "" && l.src.Layer == airlock.LayerBackend {
			return label
		}
	}
	return string(l.src.Layer)
}

// leftOut says what was not asked.
func (r *run) leftOut() {
	if r.more > 0 {
		r.add(ruleSkipped, "", Place{}, fmt.Sprintf("%d ids more than %d: the rest was not looked up", r.more, MostIDs), "")
	}
	for _, l := range r.layers {
		if l.unasked > 0 {
			r.add(ruleSkipped, "", r.at(l), fmt.Sprintf("%s cannot be used: it was not asked for %s, and which layer answers them is not known",
				l.label(), ids(l.unasked)), "")
		}
	}
}

func ids(n int) string {
	if n == 1 {
		return "1 id"
	}
	return fmt.Sprintf("%d ids", n)
}
