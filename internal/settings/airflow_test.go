package settings

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/airlock-secrets/airlock/internal/baotest"
)

// airflowCase is a configuration given to real Airflow and to us.
type airflowCase struct {
	name string
	Env  map[string]string `json:"env"`
	Cfg  *string           `json:"cfg"`
	Ask  [][2]string       `json:"ask"`
}

// airflowAnswer is what Airflow's conf.get and conf.getboolean gave.
type airflowAnswer struct {
	Value *string `json:"value"`
	Bool  *bool   `json:"bool"`
	Error string  `json:"error"`
}

type airflowResult struct {
	Error   string          `json:"error"`
	Answers []airflowAnswer `json:"answers"`
}

func cfg(text string) *string { return &text }

func ask(names ...string) [][2]string {
	var list [][2]string
	for i := 0; i+1 < len(names); i += 2 {
		list = append(list, [2]string{names[i], names[i+1]})
	}
	return list
}

func airflowCases() []airflowCase {
	type env = map[string]string
	fernet := ask("core", "fernet_key")
	return []airflowCase{
		{"defaults", nil, nil, ask("core", "fernet_key", "core", "dags_folder", "database", "sql_alchemy_conn", "secrets", "backend",
			"secrets", "backend_kwargs", "secrets", "use_cache", "secrets", "cache_ttl_seconds", "workers", "secrets_backend",
			"core", "multi_team", "core", "asset_manager_kwargs", "logging", "log_format", "logging", "log_filename_template",
			"dag_processor", "dag_bundle_config_list", "api", "page_size", "celery", "worker_concurrency", "no", "such", "core", "no_such")},
		{"environment", env{"AIRFLOW__CORE__FERNET_KEY": "k", "AIRFLOW__CORE__LOAD_EXAMPLES": " TRUE # yes "}, nil,
			ask("core", "fernet_key", "CORE", "Fernet_Key", "core", "load_examples")},
		{"empty variable", env{"AIRFLOW__CORE__FERNET_KEY": ""}, cfg("[core]\nfernet_key = file\n"), fernet},
		{"lower case variable", env{"AIRFLOW__core__fernet_key": "x"}, nil, fernet},
		{"dots in a section", env{"AIRFLOW__COMMON_IO__XCOM_OBJECTSTORAGE_PATH": "p"}, nil, ask("common.io", "xcom_objectstorage_path")},
		{"expansion", env{"AIRFLOW__CORE__FERNET_KEY": "$LAB_A-${LAB_B}-$NOPE-${NOPE}-$-${}-${open", "LAB_A": "$LAB_C", "LAB_B": "b", "LAB_C": "c"}, nil, fernet},
		{"home", env{"AIRFLOW__CORE__FERNET_KEY": "~/x", "AIRFLOW__CORE__DAGS_FOLDER": "~", "AIRFLOW__CORE__PLUGINS_FOLDER": "~root/x",
			"AIRFLOW__LOGGING__BASE_LOG_FOLDER": "~nobodyhere/x"}, nil,
			ask("core", "fernet_key", "core", "dags_folder", "core", "plugins_folder", "logging", "base_log_folder")},
		{"percent in the environment", env{"AIRFLOW__CORE__FERNET_KEY": "50%x%%"}, nil, fernet},
		{"command", env{"AIRFLOW__CORE__FERNET_KEY_CMD": `printf '%s|' a "b c" d\ e '$LAB' "\$x\y"`}, nil, fernet},
		{"command with nothing to say", env{"AIRFLOW__CORE__FERNET_KEY_CMD": "true"}, cfg("[core]\nfernet_key = file\n"), fernet},
		{"command that fails", env{"AIRFLOW__CORE__FERNET_KEY_CMD": "sh -c 'exit 3'"}, nil, fernet},
		{"command that is not there", env{"AIRFLOW__CORE__FERNET_KEY_CMD": "no-such-program-here"}, nil, fernet},
		{"command with an open quote", env{"AIRFLOW__CORE__FERNET_KEY_CMD": "echo 'x"}, nil, fernet},
		{"command for what is not sensitive", env{"AIRFLOW__CORE__PARALLELISM_CMD": "echo 9"}, nil, ask("core", "parallelism")},
		{"command killed", env{"AIRFLOW__CORE__FERNET_KEY_CMD": "sh -c 'kill -9 $$'"}, nil, fernet},
		{"bytes that are no text", env{"AIRFLOW__CORE__FERNET_KEY_CMD": `printf 'a\377b\303c'`}, nil, fernet},
		{"secret without a backend", env{"AIRFLOW__CORE__FERNET_KEY_SECRET": "x"}, cfg("[core]\nfernet_key = file\n"), fernet},
		{"command in the file", nil, cfg("[core]\nfernet_key_cmd = echo from %%s\n"), fernet},
		{"empty command in the file", nil, cfg("[core]\nfernet_key_cmd = true\n"), fernet},
		{"failing command in the file", nil, cfg("[core]\nfernet_key_cmd = false\n"), fernet},
		{"missing command in the file", nil, cfg("[core]\nfernet_key_cmd = no-such-program-here\n"), fernet},
		{"file value beats file command", nil, cfg("[core]\nfernet_key_cmd = echo x\nfernet_key =\n"), fernet},
		{"old home in the environment", env{"AIRFLOW__CORE__SQL_ALCHEMY_CONN": "sqlite:////old"},
			cfg("[database]\nsql_alchemy_conn = sqlite:////file\n"), ask("database", "sql_alchemy_conn", "core", "sql_alchemy_conn")},
		{"old home in the file", nil, cfg("[core]\nsql_alchemy_conn = sqlite:////old\n"), ask("database", "sql_alchemy_conn")},
		{"command of an old home", env{"AIRFLOW__WEBSERVER__SECRET_KEY_CMD": "echo old"}, nil, ask("api", "secret_key")},
		{"homes that follow each other", env{"AIRFLOW__API__PAGE_SIZE": "7", "AIRFLOW__WEBSERVER__PAGE_SIZE": "8"}, nil,
			ask("api", "page_size", "api", "fallback_page_limit", "webserver", "page_size")},
		{"values that Airflow upgrades", env{"AIRFLOW__CORE__EXECUTOR": "SequentialExecutor"}, nil, ask("core", "executor")},
		{"postgres", env{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgres://u:p@h/d"}, nil, ask("database", "sql_alchemy_conn")},
		{"the file", nil, cfg("[DEFAULT]\nshared = s\n[core]\nfernet_key: $LAB a%%b\n  more\n\n  lines ; x\n# c\nFERNET_KEY = upper\nparallelism = %(shared)s\n"),
			ask("core", "fernet_key", "core", "parallelism", "core", "shared", "secrets", "shared")},
		{"carriage returns", nil, cfg("[core]\r\nfernet_key = a\r\n b\r\nparallelism=5\rload_examples=t\n"),
			ask("core", "fernet_key", "core", "parallelism", "core", "load_examples")},
		{"bad percent", nil, cfg("[core]\nfernet_key = 5%x\nparallelism = %(nope)s\ndags_folder = %(dags_folder)s\n"),
			ask("core", "fernet_key", "core", "parallelism", "core", "dags_folder")},
		{"duplicate option", nil, cfg("[core]\nfernet_key = a\nfernet_key = b\n"), fernet},
		{"duplicate section", nil, cfg("[core]\nfernet_key = a\n[core]\n"), fernet},
		{"no section", nil, cfg("fernet_key = a\n"), fernet},
		{"neither option nor section", nil, cfg("[core]\nfernet_key\n"), fernet},
		{"empty header", nil, cfg("[core]\n[]\n"), fernet},
		{"byte order mark", nil, cfg("\ufeff[core]\nfernet_key = a\n"), fernet},
	}
}

// TestOptionsAsAirflow asks real Airflow for the same options of the same
// configurations.
func TestOptionsAsAirflow(t *testing.T) {
	cases := airflowCases()
	var request []any
	homes := make([]string, len(cases))
	for i, c := range cases {
		homes[i] = t.TempDir()
		if c.Env == nil {
			c.Env = map[string]string{}
		}
		request = append(request, []any{c, homes[i]})
	}
	want := askAirflow(t, request)
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { compare(t, c, homes[i], want[i]) })
	}
}

func askAirflow(t *testing.T, request any) []airflowResult {
	t.Helper()
	in, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(baotest.Tool(t, "python"), "testdata/options.py")
	cmd.Env = append(os.Environ(), "HOME=/home/lab", "AIRFLOW__CORE__UNIT_TEST_MODE=False")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("options.py: %v", err)
	}
	var results []airflowResult
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatal(err)
	}
	return results
}

func compare(t *testing.T, c airflowCase, home string, want airflowResult) {
	ctx := context.Background()
	environ := []string{"HOME=/home/lab", "PATH=" + os.Getenv("PATH"), "AIRFLOW_HOME=" + home}
	for name, value := range c.Env {
		environ = append(environ, name+"="+value)
	}
	if c.Cfg != nil {
		if err := os.WriteFile(filepath.Join(home, "airflow.cfg"), []byte(*c.Cfg), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Load(ctx, Options{Dir: t.TempDir(), Environ: environ})
	if got := pythonType(err); got != want.Error {
		t.Fatalf("Load = %v (%s), Airflow ends with %q", err, got, want.Error)
	}
	for i, a := range want.Answers {
		section, key := c.Ask[i][0], c.Ask[i][1]
		o, err := s.Option(ctx, section, key)
		if got := pythonType(err); got != a.Error || err == nil && (a.Value == nil || o.Value != *a.Value) {
			t.Errorf("Option(%s, %s) = %q, %v; Airflow has %s, %q", section, key, o.Value, err, show(a.Value), a.Error)
		}
		b, _, err := s.Bool(ctx, section, key)
		if (err == nil) != (a.Bool != nil) || a.Bool != nil && b != *a.Bool {
			t.Errorf("Bool(%s, %s) = %v, %v; Airflow has %v", section, key, b, err, a.Bool)
		}
	}
}

func show(s *string) string {
	if s == nil {
		return "nothing"
	}
	return *s
}

// pythonType is the class of Airflow's exception that err stands for.
func pythonType(err error) string {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Type
	case err != nil:
		return "?"
	}
	return ""
}
