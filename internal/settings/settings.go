package settings

import (
	"context"
	"fmt"
	"os/user"
	"path/filepath"
	"sort"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// Options say where to read settings. The zero value reads the current folder
// with an empty process environment.
type Options struct {
	// Dir is the folder with .env and Dockerfile; empty means the current one.
	Dir string
	// Environ is the process environment, as os.Environ gives it. Of two
	// entries with one name the later counts.
	Environ []string
	// Home is what ~ means; empty means HOME of Environ, else the home folder
	// of the user who runs the process.
	Home string
	// Secret answers _SECRET options; see [Settings.WithSecret].
	Secret SecretFunc
}

// SecretFunc asks the secrets backend for a configuration value by name. It
// reports false where the backend has none, or where there is no backend.
type SecretFunc func(ctx context.Context, name string) (value string, found bool, err error)

// Note is a remark on the settings that is no failure: a line that is ignored,
// a value that is not what it looks like. Text holds no value.
type Note struct {
	Origin Origin
	Text   string
}

// String is "Dockerfile:7: text".
func (n Note) String() string { return n.Origin.String() + ": " + n.Text }

// Settings is what is configured in one folder. It does not change once
// loaded and is safe for concurrent use. It prints without any value.
type Settings struct {
	dir, home   string
	airflowHome string
	process     map[string]string // :: name -> value
	processList []string
	merged      map[string]variable
	config      *configFile // nil where there is no airflow.cfg
	dotenv      string      // the text of .env
	files       []fileEntries
	secret      SecretFunc
	notes       []Note
}

// fileEntries are the variables of one file of the folder.
type fileEntries struct {
	place   Place
	path    string
	entries []entry
}

type variable struct {
	value  string
	origin Origin
}

// Load reads the settings. A file that is not there is fine; one that cannot
// be read, or that docker compose or Airflow would refuse, is a *store.Error
// of code Invalid that names the file and line.
func Load(ctx context.Context, o Options) (*Settings, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("finding the folder to read settings in: %w", err)
	}
	s := &Settings{dir: dir, process: map[string]string{}, merged: map[string]variable{}, secret: o.Secret}
	s.addProcess(o.Environ)
	s.home = s.userHome(o.Home)
	if err := s.addDotEnv(filepath.Join(dir, ".env")); err != nil {
		return nil, err
	}
	if err := s.addDockerfile(filepath.Join(dir, "Dockerfile")); err != nil {
		return nil, err
	}
	if err := s.loadConfig(); err != nil {
		return nil, err
	}
	return s, nil
}

// WithSecret returns the same settings with another function behind _SECRET
// options: the secrets backend can be built only once its own settings are
// known. Nil means that there is no backend, as it does for Airflow.
func (s *Settings) WithSecret(f SecretFunc) *Settings {
	c := *s
	c.secret = f
	return &c
}

func (s *Settings) addProcess(environ []string) {
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			continue
		}
		s.process[name] = value
		s.processList = append(s.processList, pair)
		s.merged[name] = variable{value, Origin{Place: Process, Name: name}}
	}
	if s.processList == nil {
		s.processList = []string{} // nil would hand a command our own environment
	}
}

func (s *Settings) userHome(given string) string {
	if given != "" {
		return given
	}
	if home := s.process["HOME"]; home != "" {
		return home
	}
	if u, err := user.Current(); err == nil {
		return u.HomeDir
	}
	return ""
}

func (s *Settings) addDotEnv(path string) error {
	text, _, ok, err := readFile(path)
	if err != nil || !ok {
		return err
	}
	s.dotenv = text
	entries, notes, err := parseDotEnv(path, text, s.lookupProcess)
	s.add(DotEnv, path, entries, notes)
	return err
}

func (s *Settings) addDockerfile(path string) error {
	text, _, ok, err := readFile(path)
	if err != nil || !ok {
		return err
	}
	entries, notes := parseDockerfile(path, text)
	s.add(Dockerfile, path, entries, notes)
	return nil
}

// add takes up the variables of a file that no earlier place has; of two of
// one name in the file the last counts. A file of the folder has no say in
// where the user's own files are.
func (s *Settings) add(place Place, path string, entries []entry, notes []Note) {
	s.files = append(s.files, fileEntries{place, path, entries})
	for _, e := range entries {
		if processOnly(e.name) {
			continue
		}
		if v, ok := s.merged[e.name]; ok && v.origin.Place != place {
			continue
		}
		s.merged[e.name] = variable{e.value, Origin{Place: place, File: path, Line: e.line, Name: e.name}}
	}
	s.notes = append(s.notes, notes...)
}

// loadConfig reads the airflow.cfg that Airflow would: AIRFLOW_CONFIG, else
// airflow.cfg in AIRFLOW_HOME, else in ~/airflow. Only a path that the process
// environment gives, and that does not depend on the current folder, is
// trusted to hold commands.
func (s *Settings) loadConfig() error {
	home, homeTrusted, err := s.place("AIRFLOW_HOME", "~/airflow")
	if err != nil {
		return err
	}
	s.airflowHome = home
	path, trusted := filepath.Join(home, "airflow.cfg"), homeTrusted
	if _, ok := s.merged["AIRFLOW_CONFIG"]; ok {
		if path, trusted, err = s.place("AIRFLOW_CONFIG", ""); err != nil {
			return err
		}
	}
	if path == "" {
		return nil
	}
	trusted = trusted && filepath.IsAbs(path)
	if !filepath.IsAbs(path) {
		path = filepath.Join(s.dir, path)
	}
	text, bom, ok, err := readFile(path)
	if err != nil || !ok {
		return err
	}
	s.config, err = parseConfig(path, text, bom)
	if s.config != nil {
		s.config.trusted = trusted
	}
	return err
}

// place returns the path that a variable names, expanded, and whether nothing
// in the folder had a hand in it.
func (s *Settings) place(name, otherwise string) (path string, trusted bool, err error) {
	v, ok := s.merged[name]
	if !ok {
		v = variable{otherwise, Origin{Place: Default}}
	}
	path, err = s.Expand(v.value)
	if err != nil {
		return "", false, &store.Error{Op: "read settings", Name: name, Store: v.origin.String(), Code: store.Invalid, Err: err}
	}
	own, err := s.expandWith(v.value, s.lookupProcess)
	trusted = err == nil && path == own && (v.origin.Place == Process || v.origin.Place == Default)
	return path, trusted, nil
}

// Dir is the folder the settings are of, as an absolute path.
func (s *Settings) Dir() string { return s.dir }

// Home is the user's home folder, what ~ means; "" if there is none.
func (s *Settings) Home() string { return s.home }

// AirflowHome is Airflow's home folder: AIRFLOW_HOME with variables and ~
// filled in, else ~/airflow. It may be relative, as Airflow leaves it.
func (s *Settings) AirflowHome() string { return s.airflowHome }

// Lookup returns a variable of the merged environment and where it came from.
func (s *Settings) Lookup(name string) (value string, origin Origin, ok bool) {
	v, ok := s.merged[name]
	return v.value, v.origin, ok
}

func (s *Settings) lookupProcess(name string) (string, bool) {
	v, ok := s.process[name]
	return v, ok
}

func (s *Settings) lookupMerged(name string) (string, bool) {
	v, ok := s.merged[name]
	return v.value, ok
}

// Environ returns the merged environment as "NAME=value", sorted by name.
func (s *Settings) Environ() []string {
	list := make([]string, 0, len(s.merged))
	for _, name := range s.names() {
		list = append(list, name+"="+s.merged[name].value)
	}
	return list
}

func (s *Settings) names() []string {
	names := make([]string, 0, len(s.merged))
	for name := range s.merged {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Notes returns the remarks on .env and the Dockerfile, in the order of their
// lines.
func (s *Settings) Notes() []Note { return append([]Note(nil), s.notes...) }

// String names the folder only.
func (s Settings) String() string { return "settings of " + s.dir }

// Format implements fmt.Formatter so that no verb prints a value.
func (s Settings) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, s.String()) }
