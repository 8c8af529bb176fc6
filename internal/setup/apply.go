package setup

import (
	"context"
	"errors"
	"fmt"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// Admin is who changes the store: the credentials of whoever runs the set-up,
// never those that Airflow gets.
type Admin struct {
	// Env is where the vendor's own settings are read from: VAULT_TOKEN,
	// AWS_PROFILE.
	Env stores.Env
	// Say tells what has been done, one line each.
	Say func(string)
	// Login is set by Vault's part: what Airflow logs in with from now on.
	// Keep tells it that the project has a log-in already.
	Keep bool
}

func (a *Admin) getenv(name string) string {
	if a.Env.Getenv == nil {
		return ""
	}
	value, _ := a.Env.Getenv(name)
	return value
}

// Apply does the store's side of the plan, as its steps say. What is there
// already is kept, or written over with the same. New credentials are set in
// the plan.
func (p *Plan) Apply(ctx context.Context, admin *Admin) error {
	if p.Service.apply == nil {
		return fmt.Errorf("%s is set up by its own program: sh %s/setup.sh", p.Service.Title, Folder)
	}
	admin.Env = admin.Env.Learning()
	return admin.Env.Clean(p.Service.apply(ctx, p, admin))
}

// plant writes the variable and the connection of the test DAG with kwargs of
// the administrator's own.
func (p *Plan) plant(ctx context.Context, kwargs *pyjson.Object, admin *Admin) error {
	b, err := stores.Known().Open(p.Class, kwargs, admin.Env, true)
	if err != nil {
		return err
	}
	for _, test := range []struct {
		kind  airflow.Kind
		value string
	}{{airflow.KindVariable, TestValue}, {airflow.KindConnection, TestURI}} {
		ref := airflow.Ref{Kind: test.kind, ID: TestID}
		if err := put(ctx, b, ref, test.value); err != nil {
			return errors.Join(fmt.Errorf("writing %s: %w", ref, err), b.Store.Close())
		}
		admin.Say(fmt.Sprintf("%s is written", ref))
	}
	return b.Store.Close()
}

// put writes a value unless it is there.
func put(ctx context.Context, b *stores.Backend, ref airflow.Ref, value string) error {
	name := b.Dialect.Names(ref).Names[0]
	if s, err := b.Store.Get(ctx, name); err == nil {
		if have, err := b.Dialect.Decode(ref, s); err == nil && have.Text() == value {
			return nil
		}
	}
	secret, err := b.Dialect.Encode(ref, dialect.Value{Data: value})
	if err == nil {
		_, err = store.Put(ctx, b.Store, name, secret, nil)
	}
	return err
}
