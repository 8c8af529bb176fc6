package cli

import (
	"context"
	"path/filepath"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/config"
	"github.com/airlock-secrets/airlock/internal/settings"
)

// configured reads airlock.yaml, once, and takes from it what no flag says. It
// is nil where the folder has none and --config names none.
func (a *app) configured(ctx context.Context) (*config.File, error) {
	if a.file != nil {
		return a.file, nil
	}
	f, err := a.readFile(ctx)
	if f == nil || err != nil {
		return nil, err
	}
	for _, warning := range f.Warnings {
		a.say("airlock: %s", warning)
	}
	a.adopt(f)
	return f, nil
}

// namedConfig is the absolute path of the file that --config names, "" for
// none.
func (a *app) namedConfig() string {
	if a.configPath == "" {
		return ""
	}
	path := a.dir(a.configPath)
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// adopt takes from a file what no flag says.
func (a *app) adopt(f *config.File) {
	a.file = f
	if f.Context != "" && !a.given("context") {
		a.context = f.Context
	}
}

// readFile reads airlock.yaml. Where its content is wrong, the file comes with
// the error.
func (a *app) readFile(ctx context.Context) (*config.File, error) {
	path, shown := config.Find(a.dir(".")), config.FileName
	if a.configPath != "" {
		path, shown = a.dir(a.configPath), a.configPath
	}
	if path == "" {
		if other := config.Misnamed(a.dir(".")); other != "" {
			a.say("airlock: %s is not read: call it %s", other, config.FileName)
		}
		return nil, nil
	}
	s, err := a.load(ctx)
	if err != nil {
		return nil, err
	}
	load := config.Load
	if a.fileOfFolder = s.OfFolder(a.origin(path)); a.fileOfFolder {
		load = config.LoadOwn
	}
	f, err := load(path, shown, s.Expand)
	if err == nil && (!a.fileOfFolder || settings.InFolder(s.Dir(), path)) {
		a.alone, _ = config.Load(path, shown, a.author(s).Expand) // what is wrong with it is told of f
	}
	if err == nil && !a.fileOfFolder {
		err = f.Filled(a.alone)
	}
	return f, err
}

// origin is that of airlock.yaml itself.
func (a *app) origin(path string) settings.Origin {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	return settings.Origin{Place: settings.AirlockFile, File: path, Users: a.configPath != ""}
}

// author are the settings of whoever wrote airlock.yaml: the user, who names it
// by --config or keeps it in /etc/airlock, or the folder.
func (a *app) author(s *settings.Settings) *settings.Settings {
	if a.fileOfFolder {
		return s.Folder()
	}
	return s.Own()
}

// given reports whether a flag that every command has was given.
func (a *app) given(flag string) bool { return a.flags != nil && a.flags.Changed(flag) }

// dataDir is the folder that a file names, relative to its own.
func dataDir(f *config.File) string {
	if filepath.IsAbs(f.Serve.DataDir) {
		return f.Serve.DataDir
	}
	if abs, err := filepath.Abs(f.Dir); err == nil {
		return filepath.Join(abs, f.Serve.DataDir)
	}
	return filepath.Join(f.Dir, f.Serve.DataDir)
}

// hasSources reports whether a file names the backends itself.
func hasSources(f *config.File) bool { return f != nil && f.Sources != nil }

// backendsOf are the sources of a file in the form of Airflow's own settings;
// nil where it names none.
func (a *app) backendsOf(f *config.File) []settings.Backend {
	if !hasSources(f) {
		return nil
	}
	list := make([]settings.Backend, len(f.Sources))
	for i := range f.Sources {
		list[i] = a.backendOf(f, i)
	}
	return list
}

// backendOf is source i. What a variable fills in may be the user's where the
// text is the folder's, and the other way round.
func (a *app) backendOf(f *config.File, i int) settings.Backend {
	src := &f.Sources[i]
	at := settings.Origin{Place: settings.AirlockFile, File: f.Path, Line: src.At("class").Line, Name: f.Label(i),
		Users: !a.fileOfFolder}
	b := settings.Backend{Section: "secrets", Class: src.Class, ClassOrigin: at, Kwargs: src.Kwargs.Object(), KwargsOrigin: at,
		OwnKwargs: pyjson.NewObject(), FolderKwargs: pyjson.NewObject()}
	if a.alone == nil || i >= len(a.alone.Sources) {
		return b
	}
	alone := a.alone.Sources[i].Kwargs.Object()
	if !at.Users {
		b.FolderKwargs = alone
		return b
	}
	b.OwnKwargs, b.Own = alone, pyjson.Encode(alone) == pyjson.Encode(b.Kwargs)
	return b
}
