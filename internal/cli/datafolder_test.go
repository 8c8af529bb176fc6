package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airlock-secrets/airlock/internal/trust"
)

// listing is what stands in a folder: names, modes, sizes and where links lead.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		content, _ := os.ReadFile(path)
		all = append(all, path+" "+info.Mode().String()+" "+string(content))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, "\n")
}

var everyUse = [][]string{
	{"variables", "get", "k"}, {"variables", "list"}, {"variables", "set", "new", "v"}, {"variables", "delete", "k"},
	{"connections", "list"}, {"explain", "variable", "k"}, {"client", "list"}, {"client", "add", "c"},
	{"exec", "--variables", "k", "--", "true"}, {"render", "env", "--variables", "k"},
	{"serve", "--listen", "127.0.0.1:0"}, {"serve", "--dev", "--listen", "127.0.0.1:0"},
}

// The README's first session asks nothing, also where the list of data folders
// cannot be written.
func TestFirstSession(t *testing.T) {
	for name, p := range map[string]person{"": newPerson(t), "with a home that cannot be written": newPerson(t).withoutList()} {
		t.Run(name, func(t *testing.T) {
			stop := p.serve(t, "--dev").stop
			p.run(t, "variables", "set", "region", "eu-west-1").want(t, "set", 0)
			if got := p.run(t, "variables", "get", "region"); got.stdout != "eu-west-1\n" {
				t.Errorf("get: %+v", got)
			}
			stop()
			got := p.run(t, "variables", "get", "region")
			if p.home != os.DevNull {
				got.want(t, "get without a daemon", 0)
				p.serve(t, "--dev").stop()
				return
			}
			got.want(t, "get without a daemon and without a list", 4, "hint: if it is yours, run the command once with --data-dir .airlock")
			p.run(t, "variables", "get", "region", "--data-dir", ".airlock").want(t, "with the folder named", 0)
			p.with("AIRLOCK_DATA_DIR=.airlock").run(t, "variables", "get", "region").want(t, "with the folder named in the environment", 0)
		})
	}
}

func TestAFolderMadeWithoutAListSaysWhatToType(t *testing.T) {
	p := newPerson(t).withoutList()
	p.run(t, "variables", "set", "k", "v").want(t, "set", 0, "commands need --data-dir .airlock, or AIRLOCK_DATA_DIR")
	p.run(t, "variables", "set", "k", "v", "--data-dir", "other").want(t, "set", 0)
	if got := p.run(t, "variables", "get", "k", "--data-dir", "other"); got.code != 0 || strings.Contains(got.stderr, "trust list") {
		t.Errorf("a folder that is named: %+v", got)
	}
}

// A .airlock that came with the folder has clients whose tokens its author
// knows.
func TestAShippedDataFolderIsNotOpened(t *testing.T) {
	author := newPerson(t)
	author.run(t, "variables", "set", "k", "CANARY-shipped").want(t, "set", 0)
	author.run(t, "client", "add", "author").want(t, "client add", 0)
	shipped := filepath.Join(author.dir, ".airlock")
	p := author
	p.home = newPerson(t).home
	before := listing(t, shipped)
	for _, args := range everyUse {
		got := p.run(t, args...)
		got.want(t, strings.Join(args, " "), 4, "not known to be yours", "--data-dir .airlock")
		if strings.Contains(got.stdout+got.stderr, "CANARY-") {
			t.Errorf("%v shows a value", args)
		}
	}
	for _, args := range [][]string{{"variables", "get", ""}, {"explain", "variable", ""}, {"exec", "--variables", ""}} {
		got := p.run(t, append([]string{"__complete"}, args...)...)
		if strings.Contains(got.stdout, "k") || strings.Contains(got.stderr, "yours") {
			t.Errorf("Tab after %v: %+v", args, got)
		}
	}
	if after := listing(t, shipped); after != before {
		t.Error("the folder was changed")
	}
	if list := p.list(t); list != "" {
		t.Errorf("the list has %s", list)
	}
	// Named once, it is known.
	p.run(t, "variables", "get", "k", "--data-dir", ".airlock").want(t, "named", 0)
	p.run(t, "variables", "get", "k").want(t, "found afterwards", 0)
	// Another store in its place is not.
	other := newPerson(t)
	other.run(t, "variables", "set", "k", "v").want(t, "set", 0)
	if err := errors.Join(os.RemoveAll(shipped), os.Rename(filepath.Join(other.dir, ".airlock"), shipped)); err != nil {
		t.Fatal(err)
	}
	p.run(t, "variables", "get", "k").want(t, "another store in the same place", 4, "not known to be yours")
}

// list is the list of data folders.
func (p person) list(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(trust.In(func(string) string { return p.home }).Path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// What a .airlock may be that a project brings: nothing is opened, made, emptied
// or removed through it.
func TestAFoundFolderThatLeadsElsewhere(t *testing.T) {
	for name, arrange := range map[string]struct {
		make func(data, elsewhere string) error
		says string
	}{
		"a link to a folder": {func(data, elsewhere string) error { return os.Symlink(elsewhere, data) }, "it is a link"},
		"a link to nothing":  {func(data, elsewhere string) error { return os.Symlink(elsewhere+"/none", data) }, "it is a link"},
		"a file":             {func(data, _ string) error { return os.WriteFile(data, nil, 0o600) }, "it is not a folder"},
		"a pipe":             {func(data, _ string) error { return syscall.Mkfifo(data, 0o600) }, "it is not a folder"},
		"open to a group":    {func(data, _ string) error { return errors.Join(os.Mkdir(data, 0o700), os.Chmod(data, 0o750)) }, "mode 0750"},
		"open to others":     {func(data, _ string) error { return errors.Join(os.Mkdir(data, 0o700), os.Chmod(data, 0o701)) }, "mode 0701"},
		"links inside": {func(data, elsewhere string) error {
			return errors.Join(os.Mkdir(data, 0o700), os.Symlink(elsewhere+"/lock", data+"/lock"), os.Symlink(elsewhere+"/.sock", data+"/.sock"))
		}, "it holds files"},
		"a key alone": {func(data, _ string) error {
			return errors.Join(os.Mkdir(data, 0o700), os.WriteFile(data+"/key", []byte("{}"), 0o600))
		}, "it holds files"},
		"a link for a key": {func(data, elsewhere string) error {
			return errors.Join(os.Mkdir(data, 0o700), os.WriteFile(data+"/airlock.db", []byte("SQLite"), 0o600), os.Symlink(elsewhere+"/lock", data+"/key"))
		}, "key is not a regular file"},
		"a link for a database": {func(data, elsewhere string) error {
			return errors.Join(os.Mkdir(data, 0o700), os.Symlink(elsewhere+"/lock", data+"/airlock.db"))
		}, "is not a regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(t)
			elsewhere := filepath.Join(p.home, "mine")
			err := errors.Join(os.Mkdir(elsewhere, 0o700), os.Mkdir(elsewhere+"/.sock", 0o700),
				os.WriteFile(elsewhere+"/lock", []byte("keep"), 0o600), os.WriteFile(elsewhere+"/.sock/keep", []byte("keep"), 0o600),
				arrange.make(filepath.Join(p.dir, ".airlock"), elsewhere))
			if err != nil {
				t.Fatal(err)
			}
			before := listing(t, elsewhere)
			for _, args := range [][]string{{"variables", "set", "k", "v"}, {"client", "add", "c"}, {"serve", "--dev", "--listen", "127.0.0.1:0"}} {
				if got := p.run(t, args...); got.code != 4 && got.code != 1 || !strings.Contains(got.stderr, arrange.says) {
					t.Errorf("%v: %+v, want that it says %q", args, got, arrange.says)
				}
			}
			if after := listing(t, elsewhere); after != before {
				t.Errorf("elsewhere there was\n%s\nand is\n%s", before, after)
			}
		})
	}
}

func TestAFoundFolderOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	p := newPerson(t)
	p.run(t, "variables", "set", "k", "v").want(t, "set", 0)
	if err := os.Chown(filepath.Join(p.dir, ".airlock"), 12345, 12345); err != nil {
		t.Fatal(err)
	}
	p.run(t, "variables", "get", "k").want(t, "get", 4, "user 12345 owns it", "--data-dir .airlock")
	p.run(t, "variables", "get", "k", "--data-dir", ".airlock").want(t, "named", 0)
}

// A data_dir of the folder's own airlock.yaml is checked as .airlock is.
func TestTheDataDirOfAFolderIsChecked(t *testing.T) {
	p := newPerson(t)
	mine := filepath.Join(p.home, "mine")
	if err := errors.Join(os.Mkdir(mine, 0o700), os.Symlink(p.home, filepath.Join(p.dir, "sub")),
		os.WriteFile(filepath.Join(p.dir, "airlock.yaml"), []byte("serve: {data_dir: sub/mine}\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	p.run(t, "variables", "set", "k", "v").want(t, "through a link", 4, "sub", "it is a link", "--data-dir sub/mine")
	if _, err := os.Stat(filepath.Join(mine, "airlock.db")); err == nil {
		t.Error("the store was made elsewhere")
	}
	p.run(t, "variables", "set", "k", "v", "--config", "airlock.yaml").want(t, "with the file named", 0)
	if _, err := os.Stat(filepath.Join(mine, "airlock.db")); err != nil {
		t.Error(err)
	}
}

// What a service manager makes of a folder that the user names.
func TestNamedFolders(t *testing.T) {
	for name, arrange := range map[string]func(t *testing.T, p person) (folder string){
		"a link, as systemd's DynamicUser makes it": func(t *testing.T, p person) string {
			private := filepath.Join(p.dir, "private")
			must(t, os.Mkdir(private, 0o700), os.Mkdir(private+"/airlock", 0o755), os.Chmod(private+"/airlock", 0o755),
				os.Symlink("private/airlock", filepath.Join(p.dir, "state")))
			return "state"
		},
		"a volume of Kubernetes with fsGroup": func(t *testing.T, p person) string {
			volume := filepath.Join(p.dir, "volume")
			must(t, os.Mkdir(volume, 0o700), os.Chmod(volume, 0o770|fs.ModeSetgid))
			return "volume"
		},
		"a folder that airlock makes": func(*testing.T, person) string { return "new" },
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []person{newPerson(t), newPerson(t).withoutList()} {
				folder := arrange(t, p)
				named := p.with("AIRLOCK_DATA_DIR=" + folder)
				named.run(t, "variables", "set", "k", "v").want(t, "set", 0)
				p.run(t, "variables", "get", "k", "--data-dir", folder).want(t, "get", 0)
				stop := p.serve(t, "--dev", "--data-dir", folder).stop
				named.run(t, "variables", "set", "k", "w").want(t, "through the daemon", 0)
				stop()
				// What the kubelet does to the files at the next mount.
				must(t, shareWithGroup(filepath.Join(p.dir, folder)))
				stop = p.serve(t, "--dev", "--data-dir", folder).stop
				if got := named.run(t, "variables", "get", "k"); got.stdout != "w\n" {
					t.Errorf("after another mount: %+v", got)
				}
				stop()
			}
		})
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// shareWithGroup gives a group what the owner may do with the files.
func shareWithGroup(dir string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			err = os.Chmod(path, 0o660)
		}
		return err
	})
}

func TestNamedFoldersThatOthersCanUse(t *testing.T) {
	for _, mode := range []fs.FileMode{0o755, 0o701, 0o707, 0o777, 0o772} {
		p := newPerson(t)
		must(t, os.Mkdir(filepath.Join(p.dir, "d"), 0o700), os.Chmod(filepath.Join(p.dir, "d"), mode))
		p.run(t, "variables", "set", "k", "v", "--data-dir", "d").want(t, mode.String(), 1, "other users can use it", "hint: chmod o-rwx")
	}
	p := newPerson(t)
	p.run(t, "variables", "set", "k", "v").want(t, "set", 0)
	key := filepath.Join(p.dir, ".airlock", "key")
	must(t, os.Chmod(key, 0o604))
	p.run(t, "variables", "get", "k").want(t, "a key that others can read", 1, "other users can use the key file", "hint: chmod 600")
	// A mounted Secret is a link to a file of root and a group.
	must(t, os.Mkdir(filepath.Join(p.dir, "..data"), 0o755), os.Rename(key, filepath.Join(p.dir, "..data", "key")),
		os.Chmod(filepath.Join(p.dir, "..data", "key"), 0o440), os.Symlink("../..data/key", key))
	p.run(t, "variables", "get", "k", "--data-dir", ".airlock").want(t, "a key that is mounted", 0)
}

func TestTheDataFolderOfTheProcess(t *testing.T) {
	p := newPerson(t)
	must(t, os.WriteFile(filepath.Join(p.dir, ".env"), []byte("AIRLOCK_DATA_DIR=from-env-file\n"), 0o600))
	p.run(t, "variables", "set", "k", "default").want(t, "set", 0)
	if _, err := os.Stat(filepath.Join(p.dir, "from-env-file")); err == nil {
		t.Error(".env moved the data folder")
	}
	env := p.with("AIRLOCK_DATA_DIR=e")
	env.run(t, "variables", "set", "k", "environment").want(t, "set", 0)
	env.run(t, "variables", "set", "k", "flag", "--data-dir", "f").want(t, "set", 0)
	must(t, os.WriteFile(filepath.Join(p.dir, "c.yaml"), []byte("serve: {data_dir: c}\n"), 0o600))
	p.run(t, "variables", "set", "k", "file", "--config", "c.yaml").want(t, "set", 0)
	for folder, want := range map[string]string{".airlock": "default", "e": "environment", "f": "flag", "c": "file"} {
		if got := p.run(t, "variables", "get", "k", "--data-dir", folder); got.stdout != want+"\n" {
			t.Errorf("%s: %+v, want %s", folder, got, want)
		}
	}
	if got := env.run(t, "variables", "get", "k", "--config", "c.yaml"); got.stdout != "environment\n" {
		t.Errorf("the environment and a file: %+v", got)
	}
	must(t, os.WriteFile(filepath.Join(p.dir, "d.yaml"), []byte("serve: {data_dir: $WHERE}\n"), 0o600),
		os.WriteFile(filepath.Join(p.dir, ".env"), []byte("WHERE=w\n"), 0o600))
	p.run(t, "variables", "set", "k", "v", "--config", "d.yaml").want(t, "filled in by .env", 1, "d.yaml:1:9: serve.data_dir: a variable that the folder sets fills it in")
	p.with("WHERE=w").run(t, "variables", "set", "k", "v", "--config", "d.yaml").want(t, "filled in by the process", 0)
}

// A note in a folder that leads to the daemon of another one proves nothing.
func TestADaemonOfAnotherFolder(t *testing.T) {
	mine := newPerson(t)
	mine.run(t, "variables", "set", "k", "CANARY-mine").want(t, "set", 0)
	mine.serve(t)
	p := newPerson(t)
	p.home = mine.home
	data := filepath.Join(p.dir, ".airlock")
	must(t, os.Mkdir(data, 0o700), os.WriteFile(filepath.Join(data, "airlock.sock.path"), []byte(filepath.Join(mine.dir, ".airlock", "airlock.sock")+"\n"), 0o600))
	for _, args := range [][]string{{"variables", "set", "k", "v"}, {"client", "list"}} {
		p.run(t, args...).want(t, strings.Join(args, " "), 4, "it holds files")
	}
	if got := p.run(t, "__complete", "variables", "get", ""); strings.Contains(got.stdout, "k") {
		t.Errorf("Tab: %+v", got)
	}
}
