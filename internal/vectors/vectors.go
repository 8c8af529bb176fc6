// Package vectors reads the cases that real Airflow produced and runs tests
// over them. The files are in testdata, or in the folder that the variable
// AIRLOCK_VECTORS names.
package vectors

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"testing"
)

// Family is the shape of the cases in a file. A file says by its cases, not
// by its name, which family it is of.
type Family string

// The families.
const (
	ConnectionParse Family = "connection_parse" // serialized connections and their fields
	LookupPaths     Family = "lookup_paths"     // the names and requests a backend asks for
	StoreValues     Family = "store_values"     // what a backend makes of a store's answers
	Precedence      Family = "precedence"       // whole look-ups through every layer
	Metastore       Family = "metastore"        // rows of the metadata database
)

// Case is one case of a file; Input and Expect are as the file has them.
type Case struct {
	Name   string          `json:"name"`
	Input  json.RawMessage `json:"input"`
	Expect json.RawMessage `json:"expect"`
}

// File is one file of vectors.
type File struct {
	Name   string
	Header map[string]json.RawMessage
	Cases  []Case
}

// Family tells the family by the members of the first case's input, or ""
// for a file that is of none.
func (f *File) Family() Family {
	if len(f.Cases) == 0 {
		return ""
	}
	var in map[string]json.RawMessage
	if err := json.Unmarshal(f.Cases[0].Input, &in); err != nil {
		return ""
	}
	has := func(key string) bool { _, ok := in[key]; return ok }
	switch {
	case has("ops"):
		return Precedence
	case has("fernet_key"):
		return Metastore
	case has("backend") && has("store"):
		return StoreValues
	case has("backend"):
		return LookupPaths
	case has("kind") && has("value"):
		return ConnectionParse
	}
	return ""
}

// Dir is the folder the vectors are read from.
func Dir() string {
	if dir := os.Getenv("AIRLOCK_VECTORS"); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "testdata")
}

// Load reads every *.json of Dir, in the order of their names. A file with no
// case, or of no known family, is an error.
func Load() ([]*File, error) {
	paths, err := filepath.Glob(filepath.Join(Dir(), "*.json"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, errors.New("no *.json in " + Dir())
	}
	sort.Strings(paths)
	var files []*File
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		f := &File{Name: filepath.Base(path)}
		if err := json.Unmarshal(b, f); err != nil {
			return nil, errors.New(path + ": " + err.Error())
		}
		if f.Family() == "" {
			return nil, errors.New(path + ": no case, or cases of no known family")
		}
		files = append(files, f)
	}
	return files, nil
}

// Run runs test as one subtest for each case of each file of family, under
// the case's name, and prints how many cases of each file ran. skip, which
// may be nil, returns why a case is left out (by backend, login or group), or
// "". A file of which no case ran fails. A folder of AIRLOCK_VECTORS may leave out
// a family, or what one of the tests of a family runs; our own may not.
func Run(t *testing.T, family Family, skip func(*testing.T, Case) string, test func(*testing.T, Case)) {
	t.Helper()
	files, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, f := range files {
		if f.Family() != family {
			continue
		}
		seen = true
		ran, skipped := 0, 0
		for _, c := range f.Cases {
			t.Run(c.Name, func(t *testing.T) {
				if skip != nil {
					if why := skip(t, c); why != "" {
						skipped++
						t.Skip(why)
					}
				}
				ran++
				test(t, c)
			})
		}
		t.Logf("%s: %d cases ran, %d left out", f.Name, ran, skipped)
		if ran == 0 && (skipped == 0 || os.Getenv("AIRLOCK_VECTORS") == "") {
			t.Errorf("%s: no case ran", f.Name)
		}
	}
	if !seen && os.Getenv("AIRLOCK_VECTORS") != "" {
		t.Skipf("no file of family %s in %s", family, Dir())
	}
	if !seen {
		t.Fatalf("no file of family %s in %s", family, Dir())
	}
}
