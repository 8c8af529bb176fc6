package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/airlock-secrets/airlock/internal/control"
	"github.com/airlock-secrets/airlock/internal/datafolder"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/internal/trust"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// dataFolder is the data folder of this run.
type dataFolder struct {
	path string
	// named says that the user did: a flag, the process environment, or a file
	// that --config names. Otherwise path is that of shown below dir, where
	// airlock found it by itself.
	named      bool
	dir, shown string
}

// dataFolder says which data folder counts. airlock.yaml is to be read before.
func (a *app) dataFolder() dataFolder {
	fromEnv := a.getenv("AIRLOCK_DATA_DIR")
	switch {
	case a.given("data-dir"):
		return dataFolder{path: a.dir(a.dataDir), named: true}
	case fromEnv != "":
		return dataFolder{path: a.dir(fromEnv), named: true}
	case a.file != nil && a.file.Serve.DataDir != "" && !a.fileOfFolder:
		return dataFolder{path: dataDir(a.file), named: true}
	case a.file != nil && a.file.Serve.DataDir != "":
		path, dir := dataDir(a.file), a.file.Dir
		if abs, err := filepath.Abs(dir); err == nil {
			dir = abs
		}
		if rel, err := filepath.Rel(dir, path); err == nil {
			return dataFolder{path: path, dir: dir, shown: rel}
		}
	}
	return dataFolder{path: a.dir(sqlstore.DefaultDir), dir: a.dir("."), shown: sqlstore.DefaultDir}
}

// admit checks the data folder before anything in it is opened, and finds its
// daemon; without one the error is control.ErrNoDaemon beside a folder that may
// be opened.
func (a *app) admit(ctx context.Context) (dataFolder, *control.Client, error) {
	f := a.dataFolder()
	if err := a.checkFolder(&f); err != nil {
		return f, nil, err
	}
	c, err := dialDaemon(ctx, f.path)
	switch {
	case err != nil && !errors.Is(err, control.ErrNoDaemon):
		return f, nil, err
	case f.named, err == nil && c.Serves(f.path):
		return f, c, err
	}
	if unknown := a.recognise(ctx, &f); unknown != nil {
		if c != nil {
			unknown = errors.Join(unknown, c.Close())
		}
		return f, nil, unknown
	}
	return f, c, err
}

func (a *app) checkFolder(f *dataFolder) error {
	if f.named {
		return datafolder.Named(f.path)
	}
	return f.refused(datafolder.Found(f.dir, f.shown))
}

// refused adds to an error how the folder is named.
func (f *dataFolder) refused(err error) error {
	var e *store.Error
	if errors.As(err, &e) && e.Hint == "" {
		e.Hint = "if it is yours, run the command once with --data-dir " + render.ShellWord(f.shown)
	}
	return err
}

// recognise lets a folder pass that airlock has found by itself: one that is
// on the user's list, or about which the user says so now.
func (a *app) recognise(ctx context.Context, f *dataFolder) error {
	id, err := sqlstore.Identity(f.path)
	if err != nil {
		return err
	}
	if id == "" {
		if vacant, err := sqlstore.Vacant(f.path); err != nil || vacant {
			return err
		}
		return f.refused(a.unknown(f, "holds files, and no store that airlock has made"))
	}
	known, err := a.knows(f.path, id)
	if known {
		return nil
	}
	if err != nil {
		a.say("airlock: %v", err)
	}
	no := f.refused(a.unknown(f, notKnown))
	if a.completing || !a.interactive() {
		return no
	}
	a.say("airlock: the data folder %s %s", f.path, notKnown)
	if yes, err := a.yes(ctx, "use "+f.path+" as your own?"); err != nil || !yes {
		return errors.Join(err, no)
	}
	if err := a.remember(f.path, id); err != nil {
		a.say("airlock: the answer counts for this run only: %v", err)
	}
	return nil
}

const notKnown = "is not known to be yours: whoever made it knows its key and the tokens of its clients"

func (a *app) unknown(f *dataFolder, why string) error {
	return &store.Error{Op: "open", Store: "data folder " + f.path, Code: store.Denied, Err: fmt.Errorf("it %s", why)}
}

func (a *app) knows(dir, id string) (bool, error) {
	real, err := trust.RealDir(dir)
	if err != nil {
		return false, err
	}
	return a.trustFile().Knows(trust.DataFolder{Dir: real, ID: id})
}

func (a *app) remember(dir, id string) error {
	real, err := trust.RealDir(dir)
	if err != nil {
		return err
	}
	return a.trustFile().AddDataFolder(trust.DataFolder{Dir: real, ID: id})
}

// made puts a store that airlock has just made on the user's list. A folder
// that the user names needs no list.
func (a *app) made(f *dataFolder) func(id string) {
	return func(id string) {
		if err := a.remember(f.path, id); err != nil && !f.named {
			a.say("airlock: %v", err)
			a.say("airlock: while no airlock serve runs here, commands need --data-dir %s, or AIRLOCK_DATA_DIR",
				render.ShellWord(f.shown))
		}
	}
}

// adoptFolder puts a store that the user has named and opened on the list, so that
// airlock knows it where it finds it by itself. That it cannot be written
// matters to nobody who names the folder.
func (a *app) adoptFolder(f *dataFolder) {
	if !f.named || a.completing {
		return
	}
	id, err := sqlstore.Identity(f.path)
	if err != nil || id == "" {
		return
	}
	if known, err := a.knows(f.path, id); err == nil && !known {
		_ = a.remember(f.path, id)
	}
}
