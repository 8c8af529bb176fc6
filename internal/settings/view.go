package settings

import (
	"path/filepath"
	"strings"
)

// processOnly reports whether a variable counts only in the process
// environment: it says where the user's own files are, or what airlock may do.
func processOnly(name string) bool {
	return name == "HOME" || strings.HasPrefix(name, "XDG_") || strings.HasPrefix(name, "AIRLOCK_")
}

// HasFolder reports whether any setting stands in a file of the folder.
func (s *Settings) HasFolder() bool {
	return len(s.files) > 0 || s.config != nil && !s.config.trusted
}

// Own returns what the settings are without the files of the folder: the
// process environment, and the airflow.cfg that it leads to.
func (s *Settings) Own() *Settings {
	own := s.without()
	own.process, own.processList = s.process, s.processList
	for name, v := range s.merged {
		if v.origin.Place == Process {
			own.merged[name] = v
		}
	}
	if err := own.loadConfig(); err != nil || own.config != nil && !own.config.trusted {
		own.config = nil // Airflow's own failure is told where the settings are used
	}
	return own
}

// Folder returns what the folder's files say without the user's environment. A
// variable of .env that takes something from the process environment is left
// out, and so is a file that is a link to one outside the folder. Commands of the process and ~ know nothing there.
func (s *Settings) Folder() *Settings {
	f := s.without()
	f.process, f.processList = map[string]string{}, []string{}
	for _, file := range s.files {
		if !InFolder(s.dir, file.path) {
			continue
		}
		alone := file.entries
		if file.place == DotEnv {
			alone = s.dotenvAlone(file)
		}
		f.add(file.place, file.path, alone, nil)
	}
	f.home = ""
	if s.config != nil && !s.config.trusted && InFolder(s.dir, s.config.path) {
		f.config = s.config
	}
	return f
}

// without is a copy of the settings that has none.
func (s *Settings) without() *Settings {
	return &Settings{dir: s.dir, home: s.home, airflowHome: s.airflowHome, merged: map[string]variable{}}
}

// dotenvAlone are the entries of .env that are the same without the process
// environment.
func (s *Settings) dotenvAlone(file fileEntries) []entry {
	if !strings.Contains(s.dotenv, "$") {
		return file.entries
	}
	values := map[int]Statement{} // :: line -> statement
	for _, alone := range ReadDotEnv(s.dotenv, func(string) (string, bool) { return "", false }) {
		values[alone.Line] = alone
	}
	var kept []entry
	for _, e := range file.entries {
		if alone := values[e.line]; alone.Set && alone.Name == e.name && alone.Value == e.value && alone.Known {
			kept = append(kept, e)
		}
	}
	return kept
}

// InFolder reports whether a file is the folder's own: what path leads to, links
// followed, lies below dir. A link can lead to a file of the user's, and what
// that holds is nothing that came with the folder.
func InFolder(dir, path string) bool {
	at, err := real(dir)
	if err != nil {
		return false
	}
	if path, err = real(path); err != nil {
		return false
	}
	rel, err := filepath.Rel(at, path)
	return err == nil && filepath.IsLocal(rel)
}

// real is an absolute path without links.
func real(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}
