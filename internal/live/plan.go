package live

import (
	"fmt"
	"slices"

	"github.com/airlock-secrets/airlock"
	"github.com/airlock-secrets/airlock/store"
)

// Call is a request that a check makes, or may make.
type Call struct {
	// Layer is whom it asks.
	Layer string
	store.Call
}

// Plan lists the calls of Check in the order in which it makes them, and makes
// none. Those with a When are made on that condition only.
func Plan(o Options) []Call {
	r := newRun(o)
	var calls []Call
	add := func(l *layer, when string, list ...store.Call) {
		for _, c := range list {
			if when != "" && c.When != "" {
				c.When = when + ", and " + c.When
			} else if when != "" {
				c.When = when
			}
			if !slices.Contains(calls, Call{l.label(), c}) {
				calls = append(calls, Call{l.label(), c})
			}
		}
	}
	for _, l := range r.layers {
		if l.src.Fatal && l.src.Err != nil {
			return nil
		}
	}
	for _, l := range r.layers {
		if l.prober != nil {
			add(l, "", l.prober.Calls(store.AskService, r.names(l)...)...)
		}
	}
	for _, w := range r.wants {
		for _, l := range r.layers {
			for i, name := range l.names(w.Ref) {
				when := ""
				if i > 0 {
					when = "nothing is under the name before"
				}
				add(l, when, l.get(name)...)
				if l.prober != nil {
					add(l, "", l.prober.Calls(store.AskExplain, name)...)
				}
			}
		}
	}
	for _, l := range r.layers {
		if l.prober != nil {
			r.planSiblings(l, add)
		}
	}
	return calls
}

// get is how a layer is asked for a name.
func (l *layer) get(name string) []store.Call {
	switch {
	case l.src.Layer == airlock.LayerEnvironment:
		return nil // it is in this process already
	case l.prober != nil:
		return l.prober.Calls(store.AskGet, name)
	case l.src.Layer == airlock.LayerMetadata:
		return []store.Call{{Method: "SELECT", Name: store.Locate(l.store, name)}}
	}
	return []store.Call{{Method: "read", Name: store.Locate(l.store, name)}}
}

// planSiblings lists the calls for ids that turn out to be missing.
func (r *run) planSiblings(l *layer, add func(*layer, string, ...store.Call)) {
	const missing, closed = "an id is missing", "an id is missing, and the caller may not list"
	var prefixes, tries []string
	note := func(prefix string) {
		prefix = asked(l.src.Dialect, prefix)
		if !slices.Contains(prefixes, prefix) {
			prefixes = append(prefixes, prefix)
		}
	}
	for _, w := range r.wants {
		names := l.names(w.Ref)
		if len(names) == 0 {
			continue
		}
		for _, c := range candidates(l.src.Dialect, w.Ref) {
			note(cutFolder(c.name))
			tries = append(tries, c.name)
		}
		prefix := folderOf(names[0], w.Ref.ID)
		note(prefix)
		for _, other := range siblingPrefixes(l.src.Dialect, prefix) {
			note(other.name)
		}
	}
	for _, prefix := range prefixes[:min(len(prefixes), mostPeeks)] {
		add(l, missing, l.prober.Calls(store.AskPeek, prefix)...)
	}
	for _, name := range tries[:min(len(tries), mostTries)] {
		add(l, closed, l.prober.Calls(store.AskGet, name)...)
	}
	if len(tries) > mostTries {
		add(l, closed, store.Call{Method: "read", Name: fmt.Sprintf("names that differ by prefix, slash or separator, %d at most in all", mostTries)})
	}
}
