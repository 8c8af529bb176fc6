package airlock

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/internal/settings"
	"github.com/airlock-secrets/airlock/internal/stores"
	"github.com/airlock-secrets/airlock/store"
)

// Trust says which addresses a folder may send the user's credentials to.
type Trust interface {
	// Trusts reports whether the user trusts the folder at dir with an
	// address.
	Trusts(dir string, p route.Point) bool
	// Agree asks the user about what is withheld, and reports whether they
	// trust the folder now. It is false where nobody can be asked.
	Agree(w *WithheldError) bool
}

// WithheldError says that a source gets no credential of the user's, because
// the folder names the address that it would go to, and that the source has
// none without. It ends a look-up; its store code is Denied.
type WithheldError struct {
	// Dir is the folder, Setting where it names the address.
	Dir, Setting string
	// Points are the addresses that the user does not trust.
	Points []route.Point
	// Lacks is what the source needs: "a Vault token".
	Lacks string
}

// Error says who names which address, and what it does not get.
func (e *WithheldError) Error() string {
	return fmt.Sprintf("%s sends requests to %s, which you have not trusted with your credentials: airlock withholds %s",
		e.Setting, strings.Join(e.hosts(), ", "), e.Lacks)
}

// Unwrap gives a store error of code Denied, and the cause by which a look-up
// ends.
func (e *WithheldError) Unwrap() []error {
	return []error{&store.Error{Op: "use", Code: store.Denied, Err: errors.New(e.Error()), Hint: e.Hint()}, route.ErrWithheld}
}

// Hint says what to type to trust the addresses.
func (e *WithheldError) Hint() string {
	lines := make([]string, 0, len(e.Points))
	for _, p := range e.Points {
		line := "airlock trust " + quoted(p.Host) + " " + quoted(e.Dir)
		if !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return "if the address is yours, type: " + strings.Join(lines, " && ")
}

func (e *WithheldError) hosts() []string {
	var hosts []string
	for _, p := range e.Points {
		if text := p.String(); !slices.Contains(hosts, text) {
			hosts = append(hosts, text)
		}
	}
	return hosts
}

// quoted is text as a shell takes it for one word.
func quoted(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:/[]", r)
	}
	if text != "" && strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// views are what one backend's kwargs are without the folder, and without the
// user.
type views struct{ own, folder *pyjson.Object }

func (e *environment) viewsOf(ctx context.Context, b *settings.Backend) views {
	if b.OwnKwargs != nil && b.FolderKwargs != nil {
		return views{b.OwnKwargs, b.FolderKwargs}
	}
	return views{e.own().KwargsOf(ctx, b), e.folder().KwargsOf(ctx, b)}
}

// own are the settings without the folder's files.
func (e *environment) own() *settings.Settings {
	if e.ownSettings == nil {
		e.ownSettings = e.Settings.Own()
	}
	return e.ownSettings
}

// folder are the settings of the folder's files alone.
func (e *environment) folder() *settings.Settings {
	if e.folderSettings == nil {
		e.folderSettings = e.Settings.Folder()
	}
	return e.folderSettings
}

// surroundings are what a backend may use: all that there is, or only what the
// folder has itself where the folder decides where the requests go. Where that
// is not enough, the error is a *WithheldError.
func (e *environment) surroundings(ctx context.Context, b *settings.Backend, row *stores.Row) (stores.Env, []route.Point, error) {
	full := e.env(b)
	if row.Route == nil {
		return full, nil, nil
	}
	points := row.Route(b.Kwargs, full)
	if !e.Settings.HasFolder() && !e.Settings.OfFolder(b.KwargsOrigin) && !slices.ContainsFunc(points, e.inFolder) {
		return full, points, nil
	}
	v := e.viewsOf(ctx, b)
	w := &WithheldError{Dir: e.Settings.Dir()}
	w.Points = e.foreign(points, func(s route.Setting) bool { return e.decides(b.Kwargs, v, s) }, e.known(b, row, v.own))
	if len(w.Points) == 0 {
		return full, points, nil
	}
	w.Setting = e.settingOf(b, w.Points[0])
	confined := e.confined(full, w)
	if pyjson.Encode(v.folder) != pyjson.Encode(b.Kwargs) {
		w.Lacks = "the values of its kwargs that come from outside the folder"
	} else if w.Lacks = row.Lacks(b.Kwargs, confined); w.Lacks == "" {
		return confined, points, nil
	}
	if e.Trust != nil && e.Trust.Agree(w) {
		return full, points, nil
	}
	return stores.Env{}, points, w
}

// boundMetadata leaves the metadata database what the folder has itself, where
// the folder decides which one is asked.
func (e *environment) boundMetadata(ctx context.Context, conn settings.Option, m *stores.MetadataSettings) error {
	points, asked := stores.MetadataRoute(*m), e.asksForFolder(conn)
	if !e.Settings.HasFolder() && !asked && !slices.ContainsFunc(points, e.inFolder) {
		return nil
	}
	ofFolder := !conn.Own && conn.Origin.Via != settings.Secret || asked
	decides := func(s route.Setting) bool {
		return s.Option != "" && ofFolder || e.decidesPlace(s)
	}
	w := &WithheldError{Dir: e.Settings.Dir()}
	if w.Points = e.foreign(points, decides, e.knownMetadata(ctx)); len(w.Points) == 0 {
		return nil
	}
	w.Setting = e.settingOf(&settings.Backend{KwargsOrigin: conn.Origin}, w.Points[0])
	confined := *m
	env := e.confined(stores.Env{}, w)
	confined.Getenv, confined.Confined = env.Getenv, env.Confined
	if !e.folderHas(ctx, conn, w.Points) {
		w.Lacks = "the connection string, which comes from outside the folder"
	} else if w.Lacks = stores.MetadataLacks(confined); w.Lacks == "" {
		*m = confined
		return nil
	}
	if e.Trust != nil && e.Trust.Agree(w) {
		return nil
	}
	return w
}

// asksForFolder reports whether a backend has been asked for the value that the
// folder may have a hand in: by the name of the secret, or as the backend's.
func (e *environment) asksForFolder(o settings.Option) bool {
	return o.Origin.Via == settings.Secret && (e.Settings.HasFolder() ||
		slices.ContainsFunc(e.Sources, func(b settings.Backend) bool { return !b.Own }))
}

// folderHas reports whether the value of an option is no more than the folder
// has itself. What a backend answers may be the user's: it goes where it says
// itself, and not where a variable or a file of the folder has it go.
func (e *environment) folderHas(ctx context.Context, o settings.Option, points []route.Point) bool {
	switch o.Origin.Via {
	case settings.Command: // one of the user's: a folder's is not run
		return false
	case settings.Secret:
		return !slices.ContainsFunc(points, func(p route.Point) bool {
			return e.decidesPlace(p.By) || e.decidesPlace(p.PinBy)
		})
	}
	alone, err := e.folder().Option(ctx, o.Section, o.Key)
	return err == nil && alone.Value == o.Value
}

// knownMetadata are the addresses of databases that the user's own settings
// name.
func (e *environment) knownMetadata(ctx context.Context) []route.Point {
	m := stores.MetadataSettings{Conn: "postgresql://", Getenv: func(name string) (string, bool) {
		v, _, ok := e.own().Lookup(name)
		return v, ok
	}}
	points := stores.MetadataRoute(m)
	if conn, err := e.own().Option(ctx, "database", "sql_alchemy_conn"); err == nil {
		m.Conn = conn.Value
		points = append(points, stores.MetadataRoute(m)...)
	}
	return e.named(slices.DeleteFunc(points, func(p route.Point) bool { return p.By == (route.Setting{}) }))
}

// settingOf names where the folder says that requests go to a point.
func (e *environment) settingOf(b *settings.Backend, p route.Point) string {
	for _, by := range []route.Setting{p.By, p.PinBy} {
		if _, at, ok := e.Settings.Lookup(by.Variable); ok && e.Settings.OfFolder(at) {
			return at.String()
		}
	}
	for _, at := range append(slices.Clone(b.Overrides), b.KwargsOrigin) {
		if e.Settings.OfFolder(at) {
			return at.String()
		}
	}
	if e.inFolder(p) {
		return p.By.File
	}
	return "the folder " + e.Settings.Dir()
}

// foreign are the points that the folder decides and the user does not trust.
func (e *environment) foreign(points []route.Point, decides func(route.Setting) bool, known []route.Point) []route.Point {
	var list []route.Point
	for _, p := range points {
		here, pinned := decides(p.By), p.Pin != "" && decides(p.PinBy)
		if !pinned {
			p.Pin, p.PinBy = "", route.Setting{}
		}
		if !here && !pinned || !pinned && slices.ContainsFunc(known, p.ReachedBy) || e.Trust != nil && e.Trust.Trusts(e.Settings.Dir(), p) {
			continue
		}
		list = append(list, p)
	}
	return list
}

// reference is a text that is one variable and nothing else.
var reference = regexp.MustCompile(`^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})$`)

// decides reports whether the folder decides what a setting says. Where its
// text is no more than the name of a variable that is meant to be an address,
// the process decides that sets it.
func (e *environment) decides(kwargs *pyjson.Object, v views, s route.Setting) bool {
	if s.Kwarg == "" {
		return e.decidesPlace(s)
	}
	value, _ := kwargs.Get(s.Kwarg)
	if mine, ok := v.own.Get(s.Kwarg); ok && pyjson.Encode(value) == pyjson.Encode(mine) {
		return false
	}
	text, _ := v.folder.Get(s.Kwarg)
	written, _ := text.(string)
	name := reference.FindStringSubmatch(written)
	if name == nil || !route.SaysAddress(name[1]+name[2]) {
		return true
	}
	set, _, ok := e.own().Lookup(name[1] + name[2])
	return !ok || value != set
}

// decidesPlace reports whether a setting is a variable that the folder sets, or
// a file that lies in it.
func (e *environment) decidesPlace(s route.Setting) bool {
	if s.Variable != "" {
		_, at, ok := e.Settings.Lookup(s.Variable)
		return ok && e.Settings.OfFolder(at)
	}
	return e.inFolder(route.Point{By: s})
}

// inside reports whether a file lies in a folder, links followed.
func inside(dir, path string) bool {
	for _, resolve := range []func(string) (string, error){filepath.Abs, filepath.EvalSymlinks} {
		d, err := resolve(dir)
		p, err2 := resolve(path)
		if rel, err3 := filepath.Rel(d, p); err == nil && err2 == nil && err3 == nil && filepath.IsLocal(rel) {
			return true
		}
	}
	return false
}

// known are the addresses that the user's own settings name for the service:
// its kwargs, and variables such as VAULT_ADDR.
func (e *environment) known(b *settings.Backend, row *stores.Row, own *pyjson.Object) []route.Point {
	env := e.env(b)
	env.Getenv = func(name string) (string, bool) {
		v, _, ok := e.own().Lookup(name)
		return v, ok
	}
	var list []route.Point
	for _, kwargs := range []*pyjson.Object{own, pyjson.NewObject()} {
		for _, p := range row.Route(kwargs, env) {
			if p.By != (route.Setting{}) {
				list = append(list, p)
			}
		}
	}
	return e.named(list)
}

// named leaves out the addresses that stand in a file of the folder, also where
// the user names the file.
func (e *environment) named(points []route.Point) []route.Point {
	return slices.DeleteFunc(slices.Clone(points), func(p route.Point) bool {
		return slices.ContainsFunc(points, func(o route.Point) bool { return o.ReachedBy(p) && e.inFolder(o) })
	})
}

// inFolder reports whether an address stands in a file of the folder.
func (e *environment) inFolder(p route.Point) bool {
	return p.By.File != "" && inside(e.Settings.Dir(), p.By.File)
}

// confined is what a backend may use whose requests go where the folder says:
// the folder's own variables, and by which way the process has requests go.
func (e *environment) confined(full stores.Env, w *WithheldError) stores.Env {
	env := full
	env.Home = ""
	env.Getenv = func(name string) (string, bool) {
		if route.Variable(name) {
			if v, at, ok := e.Settings.Lookup(name); ok && !e.Settings.OfFolder(at) {
				return v, true
			}
		}
		v, _, ok := e.folder().Lookup(name)
		return v, ok
	}
	env.Confined = &route.Confinement{Dir: e.Settings.Dir(), Hint: w.Hint()}
	return env
}
