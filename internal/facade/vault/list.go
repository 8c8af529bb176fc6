package vault

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/internal/gate"
	wire "github.com/airlock-secrets/airlock/internal/wire/vault"
)

// basesOf finds what the paths of each kind begin with, by naming one.
func basesOf(d dialect.Dialect) map[airflow.Kind][]string {
	bases := map[airflow.Kind][]string{}
	for _, k := range airflow.Kinds() {
		for _, name := range d.Names(airflow.Ref{Kind: k, ID: "x"}).Names {
			bases[k] = append(bases[k], strings.TrimSuffix(cleanSlashes(name), "x"))
		}
	}
	return bases
}

// kindsBelow are the kinds that have names in a folder ("" or ending in "/").
func (h *Handler) kindsBelow(folder string) []airflow.Kind {
	var kinds []airflow.Kind
	for _, k := range airflow.Kinds() {
		if slices.ContainsFunc(h.bases[k], func(base string) bool {
			return strings.HasPrefix(base, folder) || strings.HasPrefix(folder, base)
		}) {
			kinds = append(kinds, k)
		}
	}
	return kinds
}

// list answers with the names in a folder, sorted, folders with a slash.
func (h *Handler) list(q *request, path string) error {
	folder := cleanSlashes(path)
	if folder != "" {
		folder += "/"
	}
	root := dialect.PlainName(protocol, "")
	items, err := h.gate.List(q.r.Context(), &q.caller, gate.Listing{
		Kinds: h.kindsBelow(folder), Plain: root + folder, Asked: folder})
	if err != nil {
		return err
	}
	var keys []string
	for _, item := range items {
		for _, p := range h.paths(root, item) {
			if rest, ok := strings.CutPrefix(p, folder); ok && rest != "" {
				keys = append(keys, firstPart(rest))
			}
		}
	}
	slices.Sort(keys)
	keys = q.page(slices.Compact(keys))
	if len(keys) == 0 {
		return &statusError{status: http.StatusNotFound}
	}
	return q.data(http.StatusOK, wire.KeyList{Keys: keys})
}

// paths are where an item is found below a mount.
func (h *Handler) paths(root string, item gate.Item) []string {
	if item.Plain != "" {
		return []string{strings.TrimPrefix(item.Plain, root)}
	}
	names := slices.Clone(h.dialect.Names(item.Ref).Names)
	for i := range names {
		names[i] = cleanSlashes(names[i])
	}
	return names
}

func firstPart(path string) string {
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i+1]
	}
	return path
}

// page cuts a list as OpenBao's ?after= and ?limit= ask; what is no number is
// taken for no limit.
func (q *request) page(keys []string) []string {
	if after := q.query.Get("after"); after != "" {
		i, found := slices.BinarySearch(keys, after)
		if found {
			i++
		}
		keys = keys[i:]
	}
	if n, err := strconv.Atoi(q.query.Get("limit")); err == nil && n > 0 && n < len(keys) {
		keys = keys[:n]
	}
	return keys
}
