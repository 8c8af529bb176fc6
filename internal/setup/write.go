package setup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/project"
	"github.com/airlock-secrets/airlock/internal/render"
	"github.com/airlock-secrets/airlock/internal/wholefile"
)

// Change is what happens to one file.
type Change struct {
	// Path is relative to the project; Done says in one word what happens:
	// "make", "add to", "keep".
	Path, Done string
	// Notes are lines about it, without any value.
	Notes []string
	// text is what the file will hold, private whether that is a secret.
	text    string
	private bool
	mode    fs.FileMode
}

// Text is what the file will hold; Private tells whether it holds credentials.
func (c Change) Text() (text string, private bool) { return c.text, c.private }

// What a Change does.
const (
	Make = "make"
	Add  = "add to"
	Keep = "keep"
)

// Changes says what the plan makes of the files of the folder at dir. What a
// person wrote is kept: a setting that is there with another value, a
// requirement with a version, a file of ours that was edited.
func (p *Plan) Changes(ctx context.Context, dir string) ([]Change, error) {
	w := &writer{ctx: ctx, dir: dir, plan: p}
	w.dotenv()
	w.lines("requirements.txt", isRequirement, p.Requirement)
	w.lines(".gitignore", isLine, ".env", Places+"/")
	if exists(dir, "Dockerfile") || exists(dir, ".dockerignore") {
		w.lines(".dockerignore", isLine, ".env", Folder+"/")
	}
	for _, f := range p.Policies {
		w.file(f)
	}
	w.file(File{Path: Folder + "/setup.sh", Text: p.Script()})
	places, err := p.places()
	if err != nil {
		return nil, err
	}
	for _, f := range places {
		w.file(f)
	}
	w.file(File{Path: DAGPath, Text: testDAG})
	return w.changes, w.err
}

type writer struct {
	ctx     context.Context
	dir     string
	plan    *Plan
	changes []Change
	err     error
}

// mostThere bounds what is read of a file that is there.
const mostThere = 1 << 20

// read returns a file's text and mode; false where there is none. No link is
// followed out of the folder.
func (w *writer) read(path string) (string, fs.FileMode, bool) {
	if w.err != nil {
		return "", 0, false
	}
	text, mode, err := readThere(w.dir, path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, false
	}
	if err != nil {
		w.err = fmt.Errorf("reading what is there: %w", err)
		return "", 0, false
	}
	return text, mode, true
}

func readThere(dir, path string) (string, fs.FileMode, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", 0, err
	}
	defer root.Close()
	info, err := root.Lstat(filepath.FromSlash(path))
	switch {
	case err != nil:
		return "", 0, err
	case !info.Mode().IsRegular():
		return "", 0, fmt.Errorf("%s is not a regular file: move it away", path)
	case info.Size() > mostThere:
		return "", 0, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	text, err := diskfile.ReadIn(root, filepath.FromSlash(path), mostThere)
	return string(text), info.Mode().Perm(), err
}

// file makes a file, or keeps the one that is there.
func (w *writer) file(f File) {
	text, mode, ok := w.read(f.Path)
	if w.err != nil {
		return
	}
	c := Change{Path: f.Path, Done: Make, text: f.Text, private: f.Private, mode: 0o644}
	if f.Private {
		c.mode = 0o600
	}
	switch {
	case ok && text == f.Text:
		c.Done, c.mode = Keep, mode
	case ok && f.Private:
		// A place follows .env; it is ours alone, whoever made it.
		c.Done = Add
	case ok && onlyPlaceholders(text, f.Text):
		c.Done, c.mode = Add, mode
	case ok:
		c.Done, c.text, c.mode = Keep, text, mode
		c.Notes = []string{"it is there already and differs: delete it to have it made anew"}
	}
	w.changes = append(w.changes, c)
}

// onlyPlaceholders tells whether the old text would be the new one, had the
// answers that were missing then been given.
func onlyPlaceholders(before, after string) bool {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	if len(old) != len(now) {
		return false
	}
	for i := range old {
		if old[i] != now[i] && !placeholder.MatchString(old[i]) {
			return false
		}
	}
	return true
}

func isLine(have, want string) bool {
	return strings.TrimPrefix(strings.TrimSpace(have), "/") == want
}

// isRequirement tells whether a line of requirements.txt asks for the package,
// in whatever version.
func isRequirement(have, want string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(have), "#")
	end := strings.IndexAny(name, "=<>~!;[ @\t")
	if end < 0 {
		end = len(name)
	}
	return strings.NewReplacer("_", "-", ".", "-").Replace(strings.ToLower(name[:end])) == want
}

func exists(dir, path string) bool {
	_, _, err := readThere(dir, path)
	return !errors.Is(err, fs.ErrNotExist)
}

// lines sees to it that a file has some lines.
func (w *writer) lines(path string, same func(have, want string) bool, want ...string) {
	text, mode, ok := w.read(path)
	if w.err != nil {
		return
	}
	c := Change{Path: path, Done: Keep, text: text, mode: mode}
	for _, line := range want {
		if has(text, line, same) {
			continue
		}
		c.Done = Add
		c.text = withNewline(c.text) + line + "\n"
		c.Notes = append(c.Notes, "line: "+line)
	}
	if !ok {
		c.Done, c.mode = Make, 0o644
	}
	w.changes = append(w.changes, c)
}

func has(text, line string, same func(have, want string) bool) bool {
	for have := range strings.SplitSeq(text, "\n") {
		if same(have, line) {
			return true
		}
	}
	return false
}

func withNewline(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}

// dotenv adds the settings to .env that it does not have, and fills in what
// was a placeholder of ours.
func (w *writer) dotenv() {
	text, mode, ok := w.read(".env")
	if w.err != nil {
		return
	}
	c := Change{Path: ".env", Done: Keep, private: true, mode: mode}
	if !ok {
		c.Done, c.mode = Make, 0o600
	}
	var have *project.Environment
	if ok {
		have = w.environment(".env")
	}
	for _, v := range w.plan.Settings() {
		line, err := render.DotEnv(v.Name, v.Value)
		if err != nil {
			w.err = err
			return
		}
		text = c.setting(text, have, v, line)
	}
	c.text = text
	if c.Done == Add && mode&0o077 != 0 {
		c.mode = mode & 0o700
		c.Notes = append(c.Notes, fmt.Sprintf("only its owner may read it from now on (its mode was %04o)", mode))
	}
	w.changes = append(w.changes, c)
}

// setting puts one setting into the text of .env and returns the new text.
func (c *Change) setting(text string, have *project.Environment, v Variable, line string) string {
	var set *project.Setting
	if have != nil {
		set = have.Lookup(v.Name)
	}
	switch {
	case set == nil:
		if c.Done == Keep {
			c.Done = Add
		}
		c.Notes = append(c.Notes, "set "+v.Name)
		return withNewline(text) + line + "\n"
	case set.Value == v.Value:
		return text
	case placeholder.MatchString(set.Value) && strings.Count(text, set.Whole.Text()) == 1:
		c.Done = Add
		c.Notes = append(c.Notes, "fill in "+v.Name)
		return strings.Replace(text, strings.TrimRight(set.Whole.Text(), "\r\n"), line, 1)
	}
	at, _ := set.Whole.Position()
	c.Notes = append(c.Notes, fmt.Sprintf("%s in line %d is set otherwise, and kept: take that line out to have it set anew", v.Name, at))
	return text
}

// environment reads a file that is there.
func (w *writer) environment(path string) *project.Environment {
	p, err := project.Read(w.ctx, project.Options{Path: filepath.Join(w.dir, path)})
	if err != nil {
		w.err = err
		return nil
	}
	if len(p.Environments) == 0 {
		return nil
	}
	return p.Environments[0]
}

// Write makes the changes: each file whole or not at all. Folders that are
// made for credentials are the owner's alone.
func Write(dir string, changes []Change) error {
	for _, c := range changes {
		if c.Done == Keep {
			continue
		}
		if err := c.write(dir); err != nil {
			return fmt.Errorf("writing %s: %w", c.Path, err)
		}
	}
	return nil
}

// write goes by way of the folder itself, so that no link in a cloned
// repository leads credentials or a script to another place.
func (c Change) write(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	folder := fs.FileMode(0o755)
	if c.private {
		folder = 0o700
	}
	path := filepath.FromSlash(c.Path)
	if err := root.MkdirAll(filepath.Dir(path), folder); err != nil {
		return err
	}
	return wholefile.Replace(root, path, c.text, c.mode)
}
