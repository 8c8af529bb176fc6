package setup

import (
	"context"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// credentials are the kwargs that somebody else gave out.
var credentials = []string{"role_id", "secret_id", "token", "gcp_keyfile_dict", "managed_identity_client_id", "workload_identity_tenant_id"}

// Adopt takes over from the .env of dir what stands for a placeholder of the
// plan, so that a second run needs no credential again. It reports whether
// nothing is left to fill in.
func (p *Plan) Adopt(ctx context.Context, dir string) (bool, error) {
	w := &writer{ctx: ctx, dir: dir, plan: p}
	if _, _, ok := w.read(".env"); !ok || w.err != nil {
		return len(p.Todo) == 0, w.err
	}
	env := w.environment(".env")
	if w.err != nil || env == nil || len(p.Todo) == 0 {
		return len(p.Todo) == 0, w.err
	}
	if set := env.Lookup("AIRFLOW__SECRETS__BACKEND_KWARGS"); set != nil {
		have, _ := airflow.DecodeKwargs("secrets", "backend_kwargs", set.Value)
		adoptKwargs(p.Kwargs, have)
	}
	for i, v := range p.Other {
		if set := env.Lookup(v.Name); set != nil && placeholder.MatchString(v.Value) {
			p.Other[i].Value = set.Value
		}
	}
	if !p.unfinished() {
		p.Todo = nil
	}
	return len(p.Todo) == 0, nil
}

// adoptKwargs fills in the placeholders of kwargs from what is there.
func adoptKwargs(kwargs, have *pyjson.Object) {
	for _, name := range credentials {
		mine, _ := kwargs.Get(name)
		text, isText := mine.(string)
		theirs, ok := have.Get(name)
		if ok && isText && placeholder.MatchString(text) {
			kwargs.Set(name, theirs)
		}
	}
}

// unfinished tells whether a setting still holds a placeholder.
func (p *Plan) unfinished() bool {
	for _, v := range p.Settings() {
		if placeholder.MatchString(v.Value) {
			return true
		}
	}
	return false
}
