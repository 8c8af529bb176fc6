package e2e

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/azurefake"
	"github.com/airlock-secrets/airlock/internal/baotest"
	"github.com/airlock-secrets/airlock/internal/check"
	"github.com/airlock-secrets/airlock/internal/gcpfake"
	"github.com/airlock-secrets/airlock/internal/live"
	"github.com/airlock-secrets/airlock/internal/mototest"
)

// claimed is a case in which real Airflow does what a rule of `airlock check`
// says of it.
type claimed struct {
	// rule is its id; name tells several cases of one rule apart.
	rule, name string
	// env is the environment of Airflow, besides an AIRFLOW_HOME with an empty
	// database.
	env []string
	// code is Python that may call what testdata/claims.py defines:
	// variable(key), connection(id), option(section, key), backend(worker),
	// uri(text), dag(text), starts(), construct(class, kwargs), attempt(call),
	// listen().
	code string
	// debug shows what is logged at debug level.
	debug bool
	// want is what has to be printed, logged or raised, not what must not be.
	want, not []string
}

// lab is the servers that cases speak to, each started when it is first
// asked for.
type lab struct {
	t     *testing.T
	bao   func() *baotest.Server
	moto  func() *mototest.Server
	azure func() *azurefake.Server
	// google is the fake and where it listens.
	google func() (*gcpfake.Server, *gcpfake.Endpoint)
}

func newLab(t *testing.T) *lab {
	return &lab{t: t,
		bao:   sync.OnceValue(func() *baotest.Server { return baotest.Start(t) }),
		moto:  sync.OnceValue(func() *mototest.Server { return mototest.Start(t) }),
		azure: sync.OnceValue(func() *azurefake.Server { return azurefake.Start(t) }),
		google: sync.OnceValues(func() (*gcpfake.Server, *gcpfake.Endpoint) {
			s := gcpfake.New()
			return s, gcpfake.Start(t, s)
		}),
	}
}

// configured is the two settings of a backend.
func configured(class, kwargs string) []string {
	return []string{"AIRFLOW__SECRETS__BACKEND=" + class, "AIRFLOW__SECRETS__BACKEND_KWARGS=" + kwargs}
}

// The classes that cases configure.
const (
	ssmClass            = "airflow.providers.amazon.aws.secrets.systems_manager.SystemsManagerParameterStoreBackend"
	secretsManagerClass = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
	googleClass         = "airflow.providers.google.cloud.secrets.secret_manager.CloudSecretManagerBackend"
	azureClass          = "airflow.providers.microsoft.azure.secrets.key_vault.AzureKeyVaultBackend"
)

// claims are all cases, one function for each file of rules.
func claims(l *lab) []claimed {
	return slices.Concat(textClaims(l), namesClaims(l), connectionsClaims(l), dagsClaims(l), liveClaims(l))
}

// TestClaims: whatever a rule says that Airflow does, Airflow does.
func TestClaims(t *testing.T) {
	t.Parallel()
	all := claims(newLab(t))
	said := runClaims(t, all)
	for i, c := range all {
		t.Run(strings.TrimSuffix(c.rule+"/"+c.name, "/"), func(t *testing.T) {
			for _, text := range c.want {
				claim(t, strings.Contains(said[i], text), "Airflow does not say %q but:\n%s", text, cut(masked(said[i]), 3000))
			}
			for _, text := range c.not {
				claim(t, !strings.Contains(said[i], text), "Airflow says %q:\n%s", text, cut(masked(said[i]), 3000))
			}
			claim(t, len(c.want)+len(c.not) > 0, "the case checks nothing")
		})
	}
	t.Run("every rule", func(t *testing.T) {
		for _, rule := range slices.Concat(check.Rules(), live.Rules()) {
			shown := slices.ContainsFunc(all, func(c claimed) bool { return c.rule == rule.ID })
			claim(t, shown || rule.Airflow == "", "no case shows what %s says of Airflow", rule.ID)
		}
	})
}

// runClaims runs the cases in one program and returns what each said.
func runClaims(t *testing.T, all []claimed) []string {
	t.Helper()
	a := newAirflow(t)
	said := make([]string, len(all))
	var cases []map[string]any
	for i, c := range all {
		env := map[string]string{"AIRFLOW_HOME": a.home, "HOME": a.home, "PATH": os.Getenv("PATH"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
		for _, pair := range c.env {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		cases = append(cases, map[string]any{"name": i, "env": env, "code": c.code, "debug": c.debug})
	}
	in, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	p := a.program(t, "python").revealing().reading(string(in))
	p.patience = 15 * time.Minute // many cases of a second or two
	r := p.run(t, script(t, "claims.py"))
	for line := range strings.Lines(r.stdout) {
		var answer struct {
			Name int
			Said string
		}
		if err := json.Unmarshal([]byte(line), &answer); err != nil || answer.Name >= len(said) {
			t.Fatalf("the program says what is no answer: %v", err)
		}
		said[answer.Name] = answer.Said
	}
	claim(t, r.code == 0, "the program ends well:\n%s", r)
	return said
}
