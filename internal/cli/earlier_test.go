package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// earlier gives a person what an earlier airlock made, as the folder name.
func earlier(t *testing.T, folder string) person {
	t.Helper()
	p := newPerson(t)
	data := filepath.Join(p.dir, folder)
	must(t, os.Mkdir(data, 0o700))
	for _, name := range []string{"airlock.db", "audit.log", "key", "dev-token"} {
		b, err := os.ReadFile(filepath.Join("testdata", "earlier", name))
		must(t, err, os.WriteFile(filepath.Join(data, name), b, 0o600))
	}
	return p
}

// works shows that all that was kept is there; flags say how the folder is
// found.
func (p person) works(t *testing.T, folder string, flags ...string) {
	t.Helper()
	for _, tt := range []struct {
		words string
		code  int
		says  string
	}{
		{"variables get region", 0, "eu-west-2\n"},
		{"variables get second", 0, "two\n"},
		{"variables get gone", 3, ""},
		{"connections get warehouse", 0, "postgres://etl:pw@db.example.com:5432/sales\n"},
		{"client list -o plain", 0, ""},
		{"variables set third 3", 0, ""},
		{"variables get third", 0, "3\n"},
	} {
		if got := p.run(t, append(strings.Fields(tt.words), flags...)...); got.code != tt.code || tt.says != "" && got.stdout != tt.says {
			t.Errorf("%s: %+v, want %d and %q", tt.words, got, tt.code, tt.says)
		}
	}
	before, err := os.ReadFile(filepath.Join("testdata", "earlier", "audit.log"))
	must(t, err)
	log := filepath.Join(p.dir, folder, "audit.log")
	if after, err := os.ReadFile(log); err != nil || !strings.HasPrefix(string(after), string(before)) || len(after) == len(before) {
		t.Errorf("the audit log is not continued: %v\n%s", err, after)
	}
}

func TestAFolderOfAnEarlierAirlock(t *testing.T) {
	t.Run("named", func(t *testing.T) {
		p := earlier(t, ".airlock")
		p.run(t, "variables", "get", "region").want(t, "without a name", 4, "hint: if it is yours, run the command once with --data-dir .airlock")
		p.works(t, ".airlock", "--data-dir", ".airlock")
		p.works(t, ".airlock")
	})
	t.Run("with a list that cannot be written", func(t *testing.T) {
		earlier(t, ".airlock").withoutList().works(t, ".airlock", "--data-dir", ".airlock")
	})
	t.Run("after one question", func(t *testing.T) {
		p := earlier(t, ".airlock")
		if got := p.answers(t, "n"); got.code != 4 {
			t.Errorf("after no: %+v", got)
		}
		if got := p.answers(t, "y"); got.code != 0 || got.stdout != "eu-west-2\n" {
			t.Errorf("after yes: %+v", got)
		}
		p.works(t, ".airlock")
	})
	t.Run("with its airlock.yaml", func(t *testing.T) {
		p := earlier(t, "state")
		b, err := os.ReadFile(filepath.Join("testdata", "earlier", "airlock.yaml"))
		must(t, err, os.WriteFile(filepath.Join(p.dir, "airlock.yaml"), b, 0o600))
		p.run(t, "config", "validate").want(t, "validate", 0)
		p.run(t, "variables", "get", "region").want(t, "its data_dir", 4, "--data-dir state")
		p.works(t, "state", "--config", "airlock.yaml")
		p.works(t, "state")
	})
	t.Run("served", func(t *testing.T) {
		p := earlier(t, ".airlock")
		p.run(t, "variables", "list", "--data-dir", ".airlock").want(t, "named", 0)
		token, err := os.ReadFile(filepath.Join("testdata", "earlier", "client-token"))
		must(t, err)
		url := p.serve(t, "--dev").url
		q, err := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/secret/data/variables/region", nil)
		must(t, err)
		q.Header.Set("X-Vault-Token", strings.TrimSpace(string(token)))
		res, err := http.DefaultClient.Do(q)
		must(t, err)
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("a client of before gets %d", res.StatusCode)
		}
		p.works(t, ".airlock")
	})
}

// answers runs a look-up on a terminal and types the answer to its question.
func (p person) answers(t *testing.T, answer string) ran {
	t.Helper()
	s := newScreen(t)
	var stdout strings.Builder
	env := p.env(t.Context(), nil, nil, []string{"variables", "get", "region"})
	env.Stdin, env.Stdout, env.Stderr = s.File, &stdout, s.File
	done := make(chan int, 1)
	go func() { done <- Main(env) }()
	s.eventually(t, "as your own? [y/N]")
	if _, err := s.typed.WriteString(answer + "\n"); err != nil {
		t.Fatal(err)
	}
	return ran{<-done, stdout.String(), s.end()}
}
