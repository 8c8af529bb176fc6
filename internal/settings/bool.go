package settings

import (
	"context"
	"strings"

	"github.com/airlock-secrets/airlock/store"
)

// Bool resolves an option that is true or false (getboolean): t, true or 1 and
// f, false or 0, in any case, with blanks around it and a # comment behind it.
func (s *Settings) Bool(ctx context.Context, section, key string) (bool, Origin, error) {
	o, err := s.Option(ctx, section, key)
	if err != nil {
		return false, Origin{}, err
	}
	text, _, _ := strings.Cut(strings.TrimFunc(strings.ToLower(o.Value), pySpace), "#")
	text = strings.TrimFunc(text, pySpace)
	switch text {
	case "t", "true", "1":
		return true, o.Origin, nil
	case "f", "false", "0":
		return false, o.Origin, nil
	}
	what := `Failed to convert value to bool. Please check "` + key + `" key in "` + section + `" section.`
	return false, o.Origin, optionError("["+section+"] "+key, o.Origin, store.Invalid, "write True or False", &Error{
		Type:     configException,
		Message:  what,
		original: what + ` Current value: "` + text + `".`,
	})
}
