package metadbstore

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/jackc/pgservicefile"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/route"
	"github.com/airlock-secrets/airlock/store"
)

// largestFile bounds certificates and keys, which are never many megabytes.
const largestFile = 8 << 20

// files opens what settings name: regular files, inside the folder where it is
// confined.
type files struct{ confined *route.Confinement }

// read reads a file. The error may be the confinement's.
func (f files) read(path string) ([]byte, error) { return f.confined.ReadFile(path, largestFile) }

// unreadable is the error for a file of a setting that cannot be used; that of
// the confinement stays as it is.
func (f files) unreadable(setting, hint string, err error) error {
	if errors.Is(err, route.ErrWithheld) {
		return err
	}
	return wrong(store.Invalid, hint, "%s in sql_alchemy_conn: %w", setting, fileError(err))
}

// postgresFiles are libpq's settings that name files.
func postgresFiles() []string { return []string{"sslrootcert", "sslcert", "sslkey", "passfile"} }

// checked refuses files of settings that may not be read, or whose reading may
// have no end: libpq's clients open them by themselves.
func (f files) checked(settings map[string]string) error {
	for _, name := range postgresFiles() {
		path := settings[name]
		if path == "" || name == "sslrootcert" && path == "system" {
			continue
		}
		if f.confined == nil || name == "sslrootcert" {
			if err := diskfile.CheckRead(path, largestFile); err != nil {
				return f.unreadable(name, "name a file", err)
			}
			continue
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		opened, err := f.confined.Open(path)
		if errors.Is(err, route.ErrWithheld) {
			return err
		}
		if err == nil {
			_ = opened.Close()
		}
		if err := diskfile.CheckRead(path, largestFile); err != nil {
			return f.unreadable(name, "name a file", err)
		}
		settings[name] = path
	}
	home, err := os.UserHomeDir()
	if err != nil || f.confined != nil || settings["passfile"] != "" {
		return nil
	}
	if err := diskfile.CheckRead(filepath.Join(home, ".pgpass"), largestFile); err != nil {
		return f.unreadable("the password", "move the file away", err)
	}
	return nil
}

// serviceFile is where libpq looks for a service.
func serviceFile(settings map[string]string) string {
	path := settings["servicefile"]
	if home, err := os.UserHomeDir(); path == "" && err == nil {
		path = filepath.Join(home, ".pg_service.conf")
	}
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// service reads a service of such a file.
func (f files) service(path, name string) (map[string]string, error) {
	text, err := f.read(path)
	if err != nil {
		return nil, f.unreadable("service", "correct the service, or PGSERVICE and PGSERVICEFILE", err)
	}
	parsed, err := pgservicefile.ParseServicefile(bytes.NewReader(text))
	if err != nil {
		return nil, errors.New("the file of services cannot be read")
	}
	service, err := parsed.GetService(name)
	if err != nil {
		return nil, wrong(store.Invalid, "correct the service, or PGSERVICE and PGSERVICEFILE", "the file of services has no such service")
	}
	return service.Settings, nil
}
