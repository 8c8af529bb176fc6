package settings

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/internal/program"
	"github.com/airlock-secrets/airlock/store"
)

// Option is a configuration option as Airflow resolves it. It prints without
// its value.
type Option struct {
	// Section and Key are the option's home in Airflow 3, also where it was
	// asked for, or set, under an older name.
	Section, Key string
	Value        string
	Origin       Origin
	// Own is set where the value is the user's own word: nothing of the
	// folder had a hand in it, neither the place where it stands nor a
	// variable that it is filled in with.
	Own bool
	// Note is a remark on where it stands (an old name), or "".
	Note string
}

// String describes the option without its value.
func (o Option) String() string {
	return fmt.Sprintf("[%s] %s from %s, redacted", o.Section, o.Key, o.Origin)
}

// Format implements fmt.Formatter so that no verb prints the value.
func (o Option) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, o.String()) }

// LogValue implements slog.LogValuer.
func (o Option) LogValue() slog.Value { return slog.StringValue(o.String()) }

// Option resolves one option as AirflowConfigParser.get of airflow-core does:
// environment variable, its _CMD, its _SECRET; then airflow.cfg: the option,
// its _cmd, its _secret; then the default. An old home of the option counts at
// each step after the new one. _CMD and _SECRET count for sensitive options
// only.
//
// An option that nothing sets is a *store.Error of code NotFound, one whose
// value cannot be had of another code; the cause is an *Error with the class
// of Airflow's exception.
func (s *Settings) Option(ctx context.Context, section, key string) (Option, error) {
	return s.option(ctx, section, key, s.secret)
}

func (s *Settings) option(ctx context.Context, section, key string, secret SecretFunc) (Option, error) {
	home, old := airflow.ResolveOption(strings.ToLower(section), strings.ToLower(key))
	r := reader{s: s, ctx: ctx, secret: secret}
	for _, step := range []func(airflow.OptionHome) (found, error){r.environment, r.file, r.fileCommand, r.fileSecret} {
		for _, at := range homes(home, old) {
			got, err := step(at)
			if err != nil {
				return Option{}, err
			}
			if got.ok {
				return finish(home, at, got), nil
			}
		}
	}
	if d, ok := airflow.LookupOption(home.Section, home.Key); ok && d.HasDefault {
		at := Origin{Place: Default}
		value, err := s.Expand(d.DefaultWith(s.airflowHome, randomKey()))
		if err != nil {
			return Option{}, optionError(optionName(home), at, store.Invalid, "", err)
		}
		return Option{Section: home.Section, Key: home.Key, Value: value, Origin: at, Own: true}, nil
	}
	return Option{}, &store.Error{
		Op: "read option", Name: optionName(home), Code: store.NotFound,
		Err: &Error{Type: configException, Message: fmt.Sprintf("section/key [%s] not found in config", excerpt.Name(home.String()))},
	}
}

func homes(home airflow.OptionHome, old *airflow.OptionHome) []airflow.OptionHome {
	if old == nil {
		return []airflow.OptionHome{home}
	}
	return []airflow.OptionHome{home, *old}
}

// found is what one step of the look-up gave.
type found struct {
	value  string
	origin Origin
	ok     bool
	own    bool // the value is the user's word
}

func finish(home, at airflow.OptionHome, got found) Option {
	o := Option{Section: home.Section, Key: home.Key, Value: upgrade(home, got.value), Origin: got.origin, Own: got.own}
	if at != home {
		o.Note = fmt.Sprintf("%s is the old name of %s: it still counts, but write the new one", optionName(at), optionName(home))
	}
	return o
}

func optionName(h airflow.OptionHome) string {
	return "[" + excerpt.Name(h.Section) + "] " + excerpt.Name(h.Key)
}

// reader is one look-up: a method for each place it goes through.
type reader struct {
	s      *Settings
	ctx    context.Context
	secret SecretFunc
}

// environment is _get_env_var_option: what it finds counts even when empty.
func (r reader) environment(h airflow.OptionHome) (found, error) {
	name := airflow.OptionEnv(h.Section, h.Key)
	if v, ok := r.s.merged[name]; ok {
		return r.expanded(h, found{value: v.value, origin: v.origin, ok: true})
	}
	if !airflow.SensitiveOption(h.Section, h.Key) {
		return found{}, nil
	}
	if v, ok := r.s.merged[name+"_CMD"]; ok {
		return r.command(h, v.value, v.origin)
	}
	if v, ok := r.s.merged[name+"_SECRET"]; ok {
		return r.fromBackend(h, v.value, v.origin)
	}
	return found{}, nil
}

// file is _get_option_from_config_file.
func (r reader) file(h airflow.OptionHome) (found, error) {
	got, err := r.raw(h, h.Key)
	if err != nil || !got.ok {
		return found{}, err
	}
	return r.expanded(h, got)
}

func (r reader) expanded(h airflow.OptionHome, got found) (found, error) {
	value, err := r.s.Expand(got.value)
	if err != nil {
		return found{}, optionError(optionName(h), got.origin, store.Invalid, "", err)
	}
	own, err := r.s.expandWith(got.value, r.s.lookupProcess)
	got.own = err == nil && own == value && !r.s.OfFolder(got.origin)
	got.value = value
	return got, nil
}

// raw reads an entry of airflow.cfg, interpolated but not expanded.
func (r reader) raw(h airflow.OptionHome, key string) (found, error) {
	value, line, ok, err := r.s.config.get(h.Section, key)
	if !ok {
		return found{}, nil
	}
	at := Origin{Place: ConfigFile, File: r.s.config.path, Line: line, Name: "[" + h.Section + "] " + key}
	if err != nil {
		return found{}, optionError(optionName(h), at, store.Invalid, "write %% for a percent sign in airflow.cfg", err)
	}
	return found{value: value, origin: at, ok: true}, nil
}

// fileCommand is _get_option_from_commands: no output is no value.
func (r reader) fileCommand(h airflow.OptionHome) (found, error) {
	if !airflow.SensitiveOption(h.Section, h.Key) {
		return found{}, nil
	}
	raw, err := r.raw(h, h.Key+"_cmd")
	if err != nil || !raw.ok {
		return found{}, err
	}
	got, err := r.command(h, raw.value, raw.origin)
	got.ok = got.value != ""
	var own *Error
	if errors.As(err, &own) && own.Type != configException {
		// In the file, unlike in the environment, Airflow wraps every failure.
		at := raw.origin
		at.Via = Command
		return found{}, optionError(optionName(h), at, store.CodeOf(err), store.Hint(err),
			&Error{Type: configException, Message: own.Message, Err: own.Err})
	}
	return got, err
}

// fileSecret is _get_option_from_secrets: an empty secret is no value.
func (r reader) fileSecret(h airflow.OptionHome) (found, error) {
	if !airflow.SensitiveOption(h.Section, h.Key) {
		return found{}, nil
	}
	raw, err := r.raw(h, h.Key+"_secret")
	if err != nil || !raw.ok {
		return found{}, err
	}
	got, err := r.fromBackend(h, raw.value, raw.origin)
	got.ok = got.value != ""
	return got, err
}

// command runs a _CMD where it may run. One that may not is an error, not a
// value passed over: what stands below it is not what Airflow would use.
func (r reader) command(h airflow.OptionHome, command string, at Origin) (found, error) {
	word := r.s.word(at)
	at.Via = Command
	out, err := r.s.run(r.ctx, command, word)
	if errors.Is(err, program.ErrNotRun) {
		return found{}, optionError(optionName(h), at, store.Unsupported,
			"set "+airflow.OptionEnv(h.Section, h.Key)+" or its _CMD in the environment that airlock runs in", ErrNotRun)
	}
	if err != nil {
		code := store.Invalid
		if r.ctx.Err() != nil {
			code = store.Unavailable
		}
		return found{}, optionError(optionName(h), at, code, "run the command by hand: airlock uses no shell, as Airflow does not", err)
	}
	return found{value: out, origin: at, ok: true, own: true}, nil
}

// ErrNotRun is the cause where an option's command stands in a file of the
// folder, which must not execute anything.
var ErrNotRun = errors.New("the command was not run: it comes from a file of the folder, and only commands of " +
	"the process environment or of its AIRFLOW_HOME/airflow.cfg are")

// fromBackend is _get_config_value_from_secret_backend.
func (r reader) fromBackend(h airflow.OptionHome, name string, at Origin) (found, error) {
	at.Via = Secret
	if r.secret == nil {
		return found{}, nil
	}
	value, ok, err := r.secret(r.ctx, name)
	var own *Error
	if errors.As(err, &own) && own.Type == recursionError {
		return found{}, optionError(optionName(h), at, store.Invalid,
			"give the backend's own settings as they are, or by a command", err)
	}
	if err != nil {
		return found{}, optionError(optionName(h), at, store.CodeOf(err), store.Hint(err), &Error{
			Type: configException,
			Message: "Cannot retrieve config from alternative secrets backend. Make sure it is configured properly " +
				"and that the Backend is accessible.\n" + err.Error(),
			Err: err,
		})
	}
	return found{value: value, origin: at, ok: ok}, nil
}

// upgrade replaces old values as Airflow does when it starts
// (_validate_deprecated_values, _upgrade_postgres_metastore_conn).
func upgrade(h airflow.OptionHome, value string) string {
	switch h.String() {
	case "core/executor":
		return strings.ReplaceAll(value, "SequentialExecutor", "LocalExecutor")
	case "database/sql_alchemy_conn":
		for _, old := range []string{"postgres+psycopg2://", "postgres://"} {
			if rest, ok := strings.CutPrefix(value, old); ok {
				return "postgresql://" + rest
			}
		}
	}
	return value
}

// randomKey is what Airflow invents for [api] secret_key in each process.
func randomKey() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.StdEncoding.EncodeToString(b[:])
}
