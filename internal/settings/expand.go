package settings

import (
	"os/user"

	"github.com/airlock-secrets/airlock/airflow"
)

// Expand fills in $NAME, ${NAME} and a leading ~ from the merged environment
// as Airflow does with options ([airflow.ExpandVars]).
func (s *Settings) Expand(text string) (string, error) { return s.expandWith(text, s.lookupMerged) }

func (s *Settings) expandWith(text string, variables lookup) (string, error) {
	return airflow.ExpandVars(text, variables, s.homeOf)
}

// homeOf gives the home folder of a user, "" being the one airlock runs for.
func (s *Settings) homeOf(name string) (string, bool) {
	if name == "" {
		return s.home, s.home != ""
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", false
	}
	return u.HomeDir, true
}
