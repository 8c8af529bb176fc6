package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// FileName is what the file is called in the folder where airlock is run.
const FileName = "airlock.yaml"

// Embedded is how write_to names airlock's own store.
const Embedded = "embedded"

// The comments of the fields below are the reference that people read, in
// docs/config.md: `go test ./internal/config -update` writes it.

// Config is the whole file. The zero value is an empty one.
type Config struct {
	// Whose reading a command takes when `--context` does not say: `worker`, a
	// task's, or `server`, the scheduler's. Without it: `worker`.
	Context string `yaml:"context"`
	// The secrets backends, in the order in which they are asked. They take
	// the place of `AIRFLOW__SECRETS__BACKEND`, its kwargs and the `[workers]`
	// pair. The embedded store, where there is one, is asked after them. An
	// empty list, `[]`, leaves the embedded store alone; without the key, the
	// backend that Airflow's own settings name stays.
	Sources []Source `yaml:"sources"`
	// Where commands write: the name of a source, or `embedded` for airlock's
	// own store. Without it: `embedded`. It needs `sources`: without them
	// commands write to the backend that Airflow's own settings name. Clients
	// of `airlock serve` write to the embedded store only.
	WriteTo string `yaml:"write_to"`
	// How `airlock serve` runs.
	Serve Serve `yaml:"serve"`

	located
}

// Source is one secrets backend.
type Source struct {
	// What `write_to` and messages call the source: letters, digits, `_`, `-`
	// and `.`. Without it a source is called by its place, `sources[0]`.
	Name string `yaml:"name"`
	// The dotted path of the Airflow class, as in
	// `AIRFLOW__SECRETS__BACKEND`. Required.
	Class string `yaml:"class"`
	// What the class is constructed with, as in
	// `AIRFLOW__SECRETS__BACKEND_KWARGS`: a mapping, or the JSON text as it
	// stands in that variable. Numbers are those of JSON; text of digits
	// needs quotes. The variables that set single kwargs
	// (`AIRFLOW__SECRETS__BACKEND_KWARG__*`) do not reach into it.
	Kwargs Kwargs `yaml:"kwargs"`
	// How long `airlock serve` answers from memory without asking the source
	// again: `30s`, `5m`, or `0s` to ask each time. Without it, that of `serve`.
	CacheTTL *time.Duration `yaml:"cache_ttl"`

	located
}

// Serve says how the daemon runs.
type Serve struct {
	// The address for HTTP, `HOST:PORT`. Without it: `127.0.0.1:8477`. In a
	// folder's own file it has to be one that only this machine reaches.
	Listen string `yaml:"listen"`
	// The folder of the embedded store, which every command uses; relative to
	// the folder of the file. Without it: `.airlock` in the folder where
	// airlock is run. In a folder's own file it has to be inside that folder.
	DataDir string `yaml:"data_dir"`
	// How long an answer of a source is served without asking again, for the
	// sources that do not say themselves. Without it each read asks.
	CacheTTL time.Duration `yaml:"cache_ttl"`
	// How long a cached value is still answered after its `cache_ttl` while its
	// source fails: it cannot be reached, does not answer in time, limits how
	// often it may be asked, is sealed, refuses the log-in or answers with what
	// cannot be read. Such an answer is marked; `0s` gives none. Without it:
	// `24h`. Nothing is kept of a source without `cache_ttl`.
	Stale *time.Duration `yaml:"stale"`
	// How long the read of a value may take: then the client gets the stale
	// value, or status 504. Where the kwargs of a source give a request more
	// time, as `timeout` of Vault does, that counts for it. A list may take
	// 60 seconds, a log-in 30. Without it: `10s`.
	Timeout time.Duration `yaml:"timeout"`
	// Whether to allow an address beyond this machine, without encryption.
	// Without it: `false`. Only in a file that `--config` names.
	PlainHTTP bool `yaml:"plain_http"`
	// The names under which clients reach airlock over plain HTTP, besides IP
	// addresses, `localhost`, names without a dot, and names under
	// `.localhost`, `.internal`, `.svc` and `.svc.cluster.local`: a request
	// for any other name is answered with 421. `--host` adds to them. Only in
	// a file that `--config` names.
	Hosts []string `yaml:"hosts"`
	// The addresses, or networks as `10.0.0.0/8`, of the proxies in front of
	// airlock. What a proxy says in `X-Forwarded-For`, or in `Forwarded` where
	// that is missing, stands in the audit log as the client's address, and
	// decides nothing. From anybody else a listener of this machine refuses
	// both headers, and any other ignores them. Only in a file that `--config`
	// names.
	Proxies []netip.Prefix `yaml:"proxies"`
	// When the audit log begins another file. Only in a file that `--config`
	// names.
	Audit Audit `yaml:"audit"`

	located
}

// Audit says when the audit log is rotated.
type Audit struct {
	// How large `audit.log` gets before it is renamed and another one begun:
	// bytes, or a number with `KB`, `MB` or `GB`, each 1024 of the one before;
	// `0` for any size. Without it: `100MB`.
	MaxSize *Size `yaml:"max_size"`
	// How old the first line of `audit.log` gets before the file is renamed
	// and another one begun, at the next line: `24h`, or `0s` for any age.
	// Without it: `168h`, a week.
	MaxAge *time.Duration `yaml:"max_age"`
	// How many renamed files, `audit-20260102T030405.678901Z.log`, are kept in
	// the data folder; the oldest are removed. Without it all are: a client
	// could push out old lines by asking often.
	Keep int `yaml:"keep"`

	located
}

// Label is what messages call source i: its name, or its place.
func (c *Config) Label(i int) string {
	if name := c.Sources[i].Name; name != "" {
		return name
	}
	return fmt.Sprintf("sources[%d]", i)
}

// Index returns the place of the source called name, -1 if none is.
func (c *Config) Index(name string) int {
	for i := range c.Sources {
		if name != "" && c.Sources[i].Name == name {
			return i
		}
	}
	return -1
}

// Kwargs are what a class is constructed with. They hold credentials and print
// as "kwargs, redacted". The zero value is none.
type Kwargs struct {
	object *pyjson.Object
	at     map[string]Position // where each stands
	// literal says that a credential stands in the file itself, and not in a
	// variable that it names.
	literal bool
}

// Object returns the kwargs themselves, never nil. They are shared.
func (k Kwargs) Object() *pyjson.Object {
	if k.object == nil {
		return pyjson.NewObject()
	}
	return k.object
}

// String redacts.
func (k Kwargs) String() string { return "kwargs, redacted" }

// Format implements fmt.Formatter so that no verb prints the kwargs.
func (k Kwargs) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, k.String()) }

// LogValue implements slog.LogValuer.
func (k Kwargs) LogValue() slog.Value { return slog.StringValue(k.String()) }
