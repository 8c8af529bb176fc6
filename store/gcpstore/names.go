package gcpstore

import (
	"slices"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
)

// Kwargs are the kwargs of CloudSecretManagerBackend, sorted. Any other keeps
// it from being constructed.
func Kwargs() []string { return slices.Sorted(slices.Values(parameters)) }

// Check tells what CloudSecretManagerBackend makes of kwargs without a look at
// any file, environment or server. raised is the exception of its constructor:
// an unknown kwarg, more than one source of credentials, a gcp_keyfile_dict
// that is no key. broken is that of every look-up where the constructor only
// logs. Both are nil, too, where only those could tell. The errors are those
// of [CheckKwargs] and [FromKwargs].
func Check(kwargs *pyjson.Object) (raised, broken error) {
	if err := CheckKwargs(kwargs); err != nil {
		return err, nil
	}
	k := kwargReader{kwargs, Env{}}
	if _, _, err := k.impersonation(); err != nil {
		return configError(err), nil
	}
	if err := k.exclusive(); err != nil {
		return configError(err), nil
	}
	keyfile := k.truthy("gcp_keyfile_dict")
	if keyfile == nil {
		return nil, nil
	}
	_, err := fromKeyfileDict(keyfile)
	switch {
	case err == nil:
		return nil, nil
	case !onlyLogged(err):
		return configError(err), nil
	case k.text("project_id") == "":
		return configError(&brokenError{python("AttributeError", noProject), err}), nil
	}
	return nil, configError(&brokenError{python("AttributeError", noCredentials), err})
}
