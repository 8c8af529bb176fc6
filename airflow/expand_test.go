package airflow

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/baotest"
)

// expandEnv is an environment with names of every kind, HOME among them.
func expandEnv() map[string]string {
	return map[string]string{
		"A": "alpha", "B": "$A!", "EMPTY": "", "DOLLAR": "$", "HOME": "/home/x/", "TILDE": "~/y", "É": "no", "A B": "spaced", "BRACE": "{A}",
	}
}

// TestExpandVarsOfAirflow asks Airflow's own expand_env_var.
func TestExpandVarsOfAirflow(t *testing.T) {
	cases := []any{
		"", "plain", "$A", "${A}", "$A$B", "$AB", "${A", "$", "$$A", "a$", "${}", "$UNKNOWN-${UNKNOWN}", "$EMPTY|", "$DOLLAR", "${A B}",
		"~", "~/a", "~no-such-user/a", "a~", "$TILDE", "~$A", "$É", "$A.é", "${É}", "$1", "x$BRACE", "$DOLLAR$BRACE", "~/$B/~",
		"~root/a", `{"token": "$A", "n": "${B}"}`, "$A\n${B}", "$\xc3\xa9",
	}
	env := pyjson.NewObject()
	for k, v := range expandEnv() {
		env.Set(k, v)
	}
	ask := pyjson.NewObject()
	ask.Set("env", env)
	ask.Set("cases", cases)
	cmd := exec.Command(baotest.Tool(t, "python"), "-c", `
import json, os, sys
from airflow.sdk._shared.configuration.parser import expand_env_var
ask = json.load(sys.stdin)
os.environ.clear(); os.environ.update(ask["env"])
json.dump([expand_env_var(s) for s in ask["cases"]], sys.stdout)`)
	cmd.Env = append(os.Environ(), "AIRFLOW_HOME="+t.TempDir())
	cmd.Stdin = strings.NewReader(pyjson.Encode(ask))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := pyjson.Decode(string(out))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range answer.([]any) {
		got, err := ExpandVars(cases[i].(string), lookupIn(expandEnv()), homeOf)
		if err != nil || got != want {
			t.Errorf("ExpandVars(%q) = %q, %v; Airflow has %q", cases[i], got, err, want)
		}
	}
}

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func homeOf(user string) (string, bool) {
	v, ok := map[string]string{"": "/home/x/", "root": "/root"}[user]
	return v, ok
}

func TestExpandVarsIsBounded(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"two that take turns": {"A": "$B", "B": "$A"},
		"one that grows":      {"A": "$A $A"},
		"one that grows much": {"A": strings.Repeat("$A", 1000)},
		"one line longer":     {"A": "x$A"},
	} {
		if got, err := ExpandVars("$A", lookupIn(env), nil); !errors.Is(err, ErrEndlessExpansion) || got != "" {
			t.Errorf("%s: %.20q, %v", name, got, err)
		}
	}
	if got, err := ExpandVars("~/$A", lookupIn(map[string]string{"A": "$A"}), nil); err != nil || got != "~/$A" {
		t.Errorf("a variable that holds itself: %q, %v", got, err)
	}
}
