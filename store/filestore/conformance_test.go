package filestore_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/dialect"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/filestore"
	"github.com/airlock-secrets/airlock/store/storetest"
)

// flat is a store of variables alone, without the kind in their names.
type flat struct{ *filestore.Store }

func (f flat) Get(ctx context.Context, name string) (*store.Secret, error) {
	s, err := f.Store.Get(ctx, "variable/"+name)
	var e *store.Error
	if errors.As(err, &e) {
		e.Name = name
	}
	return s, err
}

func (f flat) List(ctx context.Context, prefix string) ([]string, error) {
	names, err := f.Store.List(ctx, "variable/"+prefix)
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "variable/")
	}
	return names, err
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		path := filepath.Join(t.TempDir(), "variables.json")
		values := map[string]string{}
		save := func(t *testing.T) {
			t.Helper()
			b, err := json.Marshal(values)
			if err == nil {
				err = os.WriteFile(path, b, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		save(t)
		open := func(*testing.T) store.Store { return flat{filestore.New(filestore.Options{Variables: path})} }
		return storetest.Harness{
			Store: open(t), Reopen: open,
			Service: "Local files", Dialect: dialect.LocalFile{Variables: path}, Answers: map[string]func(*testing.T) (store.Store, string){
				"the file was read and has no such key": func(*testing.T) (store.Store, string) { return nil, "never" },
				"the file is not there": func(*testing.T) (store.Store, string) {
					return flat{filestore.New(filestore.Options{Variables: path + ".gone"})}, "x"
				},
			},
			Seed: func(t *testing.T, name string, s *store.Secret) {
				t.Helper()
				values[name] = string(s.Payload)
				save(t)
			},
			Limits: storetest.Limits{
				ReadOnly: true, NoVersions: true, NoConditions: true, NoAttributes: true, NoNumbers: true, Forms: []store.Form{store.Text},
			},
		}
	})
}
