package dagscan

import (
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
)

// IDs lists the ids of a kind that the files ask for, sorted, each once. Those
// that are made at run time are not among them.
func (r *Result) IDs(kind airflow.Kind) []string {
	var ids []string
	for _, u := range r.Uses {
		if u.Kind == kind && u.ID != "" {
			ids = append(ids, u.ID)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Prefixes lists what the ids of a kind begin with whose rest is made at run
// time, sorted, each once.
func (r *Result) Prefixes(kind airflow.Kind) []string {
	var found []string
	for _, u := range r.Uses {
		if u.Kind == kind && u.Prefix != "" {
			found = append(found, u.Prefix)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
