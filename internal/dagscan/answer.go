package dagscan

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/airlock-secrets/airlock/airflow"
)

// answer is what the script says of one file.
type answer struct {
	Uses    []use
	Smells  []smell
	Imports []imported
	// Steps are what reading it cost: nodes, and pieces of text.
	Steps int64
}

type use struct{ Use }

// UnmarshalJSON reads [kind, id, prefix, via, import, default, line, column].
func (u *use) UnmarshalJSON(data []byte) error {
	err := fields(data, &u.Kind, &u.ID, &u.Prefix, &u.Via, &u.Import, &u.Default, &u.Place.Line, &u.Place.Column)
	if err == nil && u.Kind != airflow.KindVariable && u.Kind != airflow.KindConnection {
		err = errors.New("a use of no kind")
	}
	return errors.Join(err, u.Place.check())
}

type smell struct{ Smell }

// UnmarshalJSON reads [what, text, kind, id, line, column, start, end].
func (s *smell) UnmarshalJSON(data []byte) error {
	err := fields(data, &s.What, &s.Text, &s.Kind, &s.ID, &s.Place.Line, &s.Place.Column, &s.Start, &s.End)
	if err == nil && (s.Start < 0 || s.Start > s.End) {
		err = errors.New("bytes that are none")
	}
	return errors.Join(err, s.Place.check())
}

// imported is "from module import name", or "import module".
type imported struct {
	module, name string
	atImport     bool
	place        Place
}

// UnmarshalJSON reads [module, name, at import, line, column].
func (i *imported) UnmarshalJSON(data []byte) error {
	err := fields(data, &i.module, &i.name, &i.atImport, &i.place.Line, &i.place.Column)
	return errors.Join(err, i.place.check())
}

func (p Place) check() error {
	if p.Line < 1 || p.Column < 1 {
		return errors.New("a place that is none")
	}
	return nil
}

func fields(data []byte, into ...any) error {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list) != len(into) {
		return fmt.Errorf("%d fields instead of %d", len(list), len(into))
	}
	var errs []error
	for i, raw := range list {
		errs = append(errs, json.Unmarshal(raw, into[i]))
	}
	return errors.Join(errs...)
}
