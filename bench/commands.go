package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	rootToken = "root"
	key       = "bench_key"
	value     = "a value of some length, as database passwords and tokens have it"
)

// startBao runs OpenBao in development mode with one variable in it, behind
// the policy and the AppRole of Astronomer's guide.
func (b *bench) startBao(ctx context.Context) (*server, error) {
	path := filepath.Join(b.tools, "bin", "bao")
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("OpenBao is not installed (%w): run `make tools` first", err)
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	s, err := startServer(ctx, command{path: path, dir: b.dir, args: []string{"server", "-dev", "-dev-no-store-token",
		"-dev-root-token-id=" + rootToken, "-dev-listen-address=" + addr}}, addr, "/v1/sys/health")
	if err != nil {
		return nil, err
	}
	// It answers just before it has mounted secret/.
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		_, err = s.post(ctx, "/v1/secret/data/variables/"+key, rootToken, map[string]any{"data": map[string]any{"value": value}})
		if err == nil || time.Since(begin) > 10*time.Second {
			break
		}
	}
	if err != nil {
		s.stop()
	}
	return s, err
}

// settings are those of the stock Vault provider for the OpenBao.
func (b *bench) settings() []string {
	return []string{
		"AIRFLOW__SECRETS__BACKEND=airflow.providers.hashicorp.secrets.vault.VaultBackend",
		`AIRFLOW__SECRETS__BACKEND_KWARGS={"url": "` + b.bao.addr + `", "token": "` + rootToken + `"}`,
	}
}

// commands compares whole processes that read one variable from the same
// OpenBao: airlock, OpenBao's own client and Airflow's own command.
func (b *bench) commands(ctx context.Context) error {
	home := filepath.Join(b.dir, "airflow")
	airflowEnv := append(b.settings(), "AIRFLOW_HOME="+home, "AIRFLOW__CORE__LOAD_EXAMPLES=False")
	airflow := filepath.Join(b.tools, "bin", "airflow")
	if _, err := (command{path: airflow, dir: b.dir, env: airflowEnv[2:], args: []string{"db", "migrate"}}).run(ctx); err != nil {
		return err
	}
	contenders := []struct {
		name    string
		rounds  int
		command command
	}{
		{"airlock variables get", b.rounds, command{path: b.airlock, dir: b.dir, env: b.settings(), args: []string{"variables", "get", key}, want: value}},
		{"bao kv get -field=value", b.rounds, command{path: filepath.Join(b.tools, "bin", "bao"), dir: b.dir,
			env: []string{"VAULT_ADDR=" + b.bao.addr, "VAULT_TOKEN=" + rootToken}, args: []string{"kv", "get", "-field=value", "secret/variables/" + key}, want: value}},
		{"airflow variables get", b.slow, command{path: airflow, dir: b.dir, env: airflowEnv, args: []string{"variables", "get", key}, want: value}},
	}
	samples := make([][]sample, len(contenders))
	for round := range max(b.rounds, b.slow) {
		for i, c := range contenders {
			if round >= c.rounds {
				continue
			}
			s, err := c.command.run(ctx)
			if err != nil {
				return err
			}
			samples[i] = append(samples[i], s)
		}
	}
	t := table{title: "One variable from OpenBao, whole process, median", head: []string{"command", "time", "times airlock's", "peak memory", "runs"}}
	took := func(s sample) time.Duration { return s.took }
	own := middle(samples[0], took)
	for i, c := range contenders {
		m := middle(samples[i], took)
		t.add(c.name, millis(m), fmt.Sprintf("%.1f", float64(m)/float64(own)), mebibytes(middle(samples[i], func(s sample) int64 { return s.peak })),
			fmt.Sprint(len(samples[i])))
	}
	t.note("")
	t.note("airflow / airlock: %.0f (target: at least 100)", float64(middle(samples[2], took))/float64(own))
	t.note("airlock / bao: %.2f (target: at most 0.50)", float64(own)/float64(middle(samples[1], took)))
	t.note("airlock peak memory: %s (target: under 60 MiB)", mebibytes(middle(samples[0], func(s sample) int64 { return s.peak })))
	return t.print()
}
