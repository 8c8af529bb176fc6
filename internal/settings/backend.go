package settings

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// Backend is which secrets backend is configured, and how. It prints without
// its kwargs, which hold credentials.
type Backend struct {
	// Section is "secrets", or "workers" where a worker has its own backend.
	Section string
	// Class is the dotted path exactly as it is set: Airflow does not trim it.
	Class       string
	ClassOrigin Origin
	// Kwargs are what the class is constructed with; never nil.
	Kwargs *pyjson.Object
	// KwargsOrigin is where the JSON text came from, Default where there is
	// none.
	KwargsOrigin Origin
	// Own is set where the kwargs, every part of them, are the user's own
	// word: see [Option.Own]. A program that other kwargs name is not run.
	Own bool
	// Overrides say which variables set single kwargs over the JSON text, in
	// the order in which they count.
	Overrides []Origin
	// Warning is set where Airflow goes on without the JSON text, because it
	// is not a JSON object.
	Warning *airflow.KwargsWarning
	// Notes are remarks on where the settings stand.
	Notes []string
	// OwnKwargs and FolderKwargs are the kwargs as [Settings.Own] and [Settings.Folder]
	// have them, of a backend that no setting of Airflow's names. Nil both:
	// KwargsOf tells.
	OwnKwargs, FolderKwargs *pyjson.Object
	text                    string // what the kwargs option holds
}

// String describes the backend without its kwargs.
func (b Backend) String() string {
	return fmt.Sprintf("secrets backend of [%s] from %s, kwargs redacted", b.Section, b.ClassOrigin)
}

// Format implements fmt.Formatter so that no verb prints the kwargs.
func (b Backend) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, b.String()) }

// LogValue implements slog.LogValuer.
func (b Backend) LogValue() slog.Value { return slog.StringValue(b.String()) }

// Backend returns the secrets backend that is configured, nil if there is
// none (_get_custom_secret_backend). A worker's classes (SDK) take [workers]
// secrets_backend with its own kwargs where that is set, else class and kwargs
// of [secrets]; the server's (ORM) take [secrets] only.
func (s *Settings) Backend(ctx context.Context, r airflow.Reading) (*Backend, error) {
	if r == airflow.SDK {
		if b, err := s.backendOf(ctx, "workers", "secrets_backend"); b != nil || err != nil {
			return b, err
		}
	}
	return s.backendOf(ctx, "secrets", "backend")
}

func (s *Settings) backendOf(ctx context.Context, section, key string) (*Backend, error) {
	class, err := s.option(ctx, section, key, s.secret)
	if err != nil || class.Value == "" {
		return nil, err
	}
	kwargs, err := s.option(ctx, section, key+"_kwargs", backendAsksItself)
	if err != nil {
		return nil, err
	}
	b := &Backend{Section: section, Class: class.Value, ClassOrigin: class.Origin, KwargsOrigin: kwargs.Origin, Own: kwargs.Own}
	for _, o := range []Option{class, kwargs} {
		if o.Note != "" {
			b.Notes = append(b.Notes, o.Note)
		}
	}
	b.text = kwargs.Value
	var overrides []string
	b.Kwargs, b.Warning, overrides = s.decode(section, key, kwargs.Value)
	for _, name := range overrides {
		at := s.merged[name].origin
		b.Overrides = append(b.Overrides, at)
		b.Own = b.Own && !s.OfFolder(at)
	}
	return b, nil
}

// decode reads the text of an option that holds kwargs, and sets those that
// have a variable of their own, whose names it returns.
func (s *Settings) decode(section, key, text string) (*pyjson.Object, *airflow.KwargsWarning, []string) {
	kwargs, warning := airflow.DecodeKwargs(section, key+"_kwargs", text)
	return kwargs, warning, airflow.OverrideKwargs(kwargs, section, key+"_kwargs", s.Environ())
}

// KwargsOf returns what b's kwargs are by these settings, a view of those that
// b is of ([Settings.Own], [Settings.Folder]); also where they name no class.
// Kwargs that cannot be read are none. The object is never nil.
func (s *Settings) KwargsOf(ctx context.Context, b *Backend) *pyjson.Object {
	key := "backend"
	if b.Section == "workers" {
		key = "secrets_backend"
	}
	text := b.text // a command of the user's has run, and need not run again
	if b.KwargsOrigin.Via != Command || len(s.process) == 0 {
		kwargs, err := s.option(ctx, b.Section, key+"_kwargs", backendAsksItself)
		if err != nil {
			return pyjson.NewObject()
		}
		text = kwargs.Value
	}
	kwargs, _, _ := s.decode(b.Section, key, text)
	return kwargs
}

// backendAsksItself stands behind _SECRET while the backend's own kwargs are
// read: Airflow builds a backend to look them up, which looks them up, until
// Python ends it.
func backendAsksItself(context.Context, string) (string, bool, error) {
	return "", false, &Error{
		Type:     recursionError,
		Message:  "the secrets backend would have to look up its own settings",
		original: "maximum recursion depth exceeded",
	}
}
