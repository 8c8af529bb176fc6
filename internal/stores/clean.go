package stores

import (
	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/redact"
	"github.com/airlock-secrets/airlock/store/cleanstore"
)

// Learning returns e with a Set that learns each variable that is asked for.
func (e Env) Learning() Env {
	if e.Secrets == nil {
		e.Secrets = redact.New()
	}
	e.Getenv = learning(e.Getenv, e.Secrets)
	return e
}

// Clean returns an error as it may be shown; nil stays nil. Errors of the
// table's stores are so already.
func (e Env) Clean(err error) error { return cleanstore.Error(err, e.Secrets) }

// learn makes the Set of env know the kwargs, and each variable that a driver
// asks for.
func learn(kwargs *pyjson.Object, env Env) Env {
	env = env.Learning()
	for _, name := range kwargs.Keys() {
		value, _ := kwargs.Get(name)
		env.Secrets.Kwarg(name, plain(value))
	}
	return env
}

// learning is getenv, with a Set that learns what it returns.
func learning(getenv func(string) (string, bool), secrets *redact.Set) func(string) (string, bool) {
	if getenv == nil {
		return nil
	}
	return func(name string) (string, bool) {
		value, ok := getenv(name)
		if ok {
			secrets.Variable(name, value)
		}
		return value, ok
	}
}

// plain is a kwarg's value in Go's own types.
func plain(value any) any {
	switch value := value.(type) {
	case *pyjson.Object:
		members := map[string]any{}
		for _, name := range value.Keys() {
			member, _ := value.Get(name)
			members[name] = plain(member)
		}
		return members
	case []any:
		list := make([]any, len(value))
		for i := range value {
			list[i] = plain(value[i])
		}
		return list
	case nil, bool, string:
		return value
	}
	return pyjson.Str(value)
}

// clean puts a store behind the Set that its errors are shown by.
func clean(b *Backend, secrets *redact.Set) {
	b.Store = cleanstore.New(b.Store, secrets)
	for i := range b.Notes {
		b.Notes[i] = secrets.Mask(b.Notes[i])
	}
}
