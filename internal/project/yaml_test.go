package project

import (
	"fmt"
	"testing"
)

// environmentLines describes all environments and their settings.
func environmentLines(p *Project) []string {
	var lines []string
	for _, env := range p.Environments {
		hosted := ""
		if env.Hosted {
			hosted = " hosted"
		}
		lines = append(lines, fmt.Sprintf("[%s, %s%s]", env.Name, env.Kind, hosted))
		for i, line := range settingLines(env) {
			if env.Settings[i].Secret {
				line += " secret"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func entryLines(p *Project) []string {
	var lines []string
	for _, e := range p.Entries {
		name, text := string(e.Kind)+" "+e.ID, e.Text
		if e.Layer == InStore {
			name = e.Store + " " + e.Remote
		}
		if e.Fields != nil {
			text = fmt.Sprint(e.Fields)
		}
		if !e.Known {
			text += "?"
		}
		lines = append(lines, fmt.Sprintf("%s: %s = %q | %s | %s", e.Layer, name, text, where(e.At), where(e.Span)))
	}
	return lines
}

func TestYAML(t *testing.T) {
	for _, c := range []struct {
		name, path, text string
		environments     []string
		entries          []string
	}{
		{"a manifest", "k8s.yaml", `apiVersion: v1
kind: Secret
metadata: {name: airflow}
data:
  kwargs: eyJhIjoxfQ==
stringData:
  AIRFLOW_VAR_X: "1"
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: scheduler
spec:
  template:
    spec:
      containers:
        - name: main
          env:
            - name: AIRFLOW__SECRETS__BACKEND
              value: a.b.C
            - name: AIRFLOW__SECRETS__BACKEND_KWARGS
              valueFrom:
                secretKeyRef: {name: airflow, key: kwargs}
            - name: OTHER
              valueFrom:
                secretKeyRef: {name: elsewhere, key: kwargs}
          envFrom:
            - secretRef:
                name: airflow
              prefix: P_
`, []string{
			"[k8s.yaml: scheduler/main, Kubernetes manifest hosted]",
			"OTHER=? | k8s.yaml:26:17 secretKeyRef: {name: elsewhere, key: kwargs} secret",
			`AIRFLOW__SECRETS__BACKEND_KWARGS={"a":1} | k8s.yaml:5:11 eyJhIjoxfQ== secret`,
			"AIRFLOW__SECRETS__BACKEND=a.b.C exact@0 | k8s.yaml:20:22 a.b.C",
			`P_kwargs={"a":1} | k8s.yaml:5:11 eyJhIjoxfQ== secret`,
			`P_AIRFLOW_VAR_X=1 exact@1 | k8s.yaml:7:18 "1" secret`,
		}, nil},
		{"values of the official chart", "values.yaml", `env:
  - name: AIRFLOW__SECRETS__BACKEND
    value: 'a.b.C'
extraEnv: |
  - name: AIRFLOW__SECRETS__BACKEND_KWARGS
    value: '{"x": "é"}'
secret:
  - envName: AIRFLOW_CONN_DB
    secretName: db
    secretKey: uri
extraSecrets:
  db:
    stringData: |
      uri: postgres://h
config:
  core:
    load_examples: "False"
scheduler:
  env:
    - name: AIRFLOW__SECRETS__BACKEND
      value: a.b.D
`, []string{
			"[values.yaml, Helm values hosted]",
			`AIRFLOW__SECRETS__BACKEND_KWARGS={"x": "é"} exact@1 | values.yaml:6:12 '{"x": "é"}'`,
			`AIRFLOW_CONN_DB=postgres://h exact@0 | values.yaml:14:12 postgres://h secret`,
			`AIRFLOW__SECRETS__BACKEND=a.b.C exact@1 | values.yaml:3:12 'a.b.C'`,
			`AIRFLOW__CORE__LOAD_EXAMPLES=False exact@1 | values.yaml:17:20 "False"`,
			"[values.yaml: scheduler, Helm values hosted]",
			`AIRFLOW__SECRETS__BACKEND=a.b.D exact@0 | values.yaml:21:14 a.b.D`,
			`AIRFLOW__SECRETS__BACKEND_KWARGS={"x": "é"} exact@1 | values.yaml:6:12 '{"x": "é"}'`,
			`AIRFLOW_CONN_DB=postgres://h exact@0 | values.yaml:14:12 postgres://h secret`,
			`AIRFLOW__SECRETS__BACKEND=a.b.C exact@1 | values.yaml:3:12 'a.b.C'`,
			`AIRFLOW__CORE__LOAD_EXAMPLES=False exact@1 | values.yaml:17:20 "False"`,
		}, []string{`environment: connection db = "postgres://h" | values.yaml:14:7 uri | values.yaml:14:12 postgres://h`}},
		{"values of an agent", "agent-values.yaml", `secretBackend: "a.b.C"
commonEnv:
- name: AIRFLOW__SECRETS__BACKEND_KWARGS
  value: >-
    {"x": 1}
workers:
  - name: default
    env:
      - {name: Z, value: "a\tb"}
`, []string{
			"[agent-values.yaml, Helm values hosted]",
			"AIRFLOW__SECRETS__BACKEND_KWARGS={\"x\": 1} exact@7 | agent-values.yaml:4:10 >-\n    {\"x\": 1}",
			`AIRFLOW__SECRETS__BACKEND=a.b.C exact@1 | agent-values.yaml:1:16 "a.b.C"`,
			"[agent-values.yaml: workers default, Helm values hosted]",
			"Z=a\tb | agent-values.yaml:9:26 \"a\\tb\"",
			"AIRFLOW__SECRETS__BACKEND_KWARGS={\"x\": 1} exact@7 | agent-values.yaml:4:10 >-\n    {\"x\": 1}",
			`AIRFLOW__SECRETS__BACKEND=a.b.C exact@1 | agent-values.yaml:1:16 "a.b.C"`,
		}, nil},
		{"a compose file", "docker-compose.override.yml", `services:
  scheduler:
    environment:
      AIRFLOW__SECRETS__BACKEND: a.b.C
      AIRFLOW_VAR_A: ${NOWHERE}
      AIRFLOW_VAR_B: a$$b
  other:
    environment:
      - "AIRFLOW_VAR_C=c"
  postgres:
    environment: {POSTGRES_PASSWORD: x}
`, []string{
			"[docker-compose.override.yml: scheduler, compose file]",
			"AIRFLOW_VAR_B=a$b | docker-compose.override.yml:6:22 a$$b",
			"AIRFLOW_VAR_A=? | docker-compose.override.yml:5:22 ${NOWHERE}",
			"AIRFLOW__SECRETS__BACKEND=a.b.C exact@0 | docker-compose.override.yml:4:34 a.b.C",
			"[docker-compose.override.yml: other, compose file]",
			"AIRFLOW_VAR_C=c exact@0 | docker-compose.override.yml:9:24 c",
		}, []string{
			`environment: variable b = "a$b" | docker-compose.override.yml:6:7 AIRFLOW_VAR_B | docker-compose.override.yml:6:22 a$$b`,
			`environment: variable a = "?" | docker-compose.override.yml:5:7 AIRFLOW_VAR_A | docker-compose.override.yml:5:22 ${NOWHERE}`,
			`environment: variable c = "c" | docker-compose.override.yml:9:10 AIRFLOW_VAR_C | docker-compose.override.yml:9:24 c`,
		}},
		{"airflow_settings.yaml", "airflow_settings.yaml", `airflow:
  connections:
    - conn_id: db
      conn_type: postgres
      conn_host: h
      conn_port: 5432
      conn_extra:
        sslmode: require
    - conn_id:
      conn_type:
    - conn_id: u
      conn_uri: http://h
  pools:
    - pool_name:
  variables:
    - variable_name: v
      variable_value: "1"
    - variable_name:
`, nil, []string{
			`metadata database: variable v = "1" | airflow_settings.yaml:16:22 v | airflow_settings.yaml:17:23 "1"`,
			"metadata database: connection db = \"map[conn_type:postgres extra:sslmode: require host:h port:5432]\" | airflow_settings.yaml:3:16 db | " +
				"airflow_settings.yaml:3:7 conn_id: db\n      conn_type: postgres\n      conn_host: h\n      conn_port: 5432\n      conn_extra:\n        sslmode: require",
			`metadata database: connection u = "http://h" | airflow_settings.yaml:11:16 u | airflow_settings.yaml:12:17 http://h`,
		}},
		{"a Deployment file", "deployment.yaml", `deployment:
  environment_variables:
    - is_secret: true
      key: A
      value: ""
    - is_secret: false
      key: AIRFLOW_VAR_X
      value: '1'
  configuration:
    name: d
`, []string{
			"[deployment.yaml, Deployment file hosted]",
			`AIRFLOW_VAR_X=1 exact@1 | deployment.yaml:8:14 '1'`,
			`A=? | deployment.yaml:5:14 "" secret`,
		}, []string{`environment: variable x = "1" | deployment.yaml:7:12 AIRFLOW_VAR_X | deployment.yaml:8:14 '1'`}},
		{"exported connections", "connections.json", "{\"a\": \"http://h\", \"b\": {\"conn_type\": \"x\", \"host\": null}}\n", nil, []string{
			`export: connection a = "http://h" | connections.json:1:2 "a" | connections.json:1:7 "http://h"`,
			`export: connection b = "map[conn_type:x]" | connections.json:1:19 "b" | connections.json:1:24 {"conn_type": "x", "host": null}`,
		}},
		{"exported variables", "my-variables.yaml", "a: 1\nb: {x: y}\n", nil, []string{
			`export: variable a = "1" | my-variables.yaml:1:1 a | my-variables.yaml:1:4 1`,
			`export: variable b = "{x: y}" | my-variables.yaml:2:1 b | my-variables.yaml:2:4 {x: y}`,
		}},
		{"an environment list", "prod.env", "AIRFLOW_VAR_A=1\n", []string{"[prod.env, export]", "AIRFLOW_VAR_A=1 exact@0 | prod.env:1:15 1"},
			[]string{`export: variable a = "1" | prod.env:1:1 AIRFLOW_VAR_A | prod.env:1:15 1`}},
		{"something else", "ci.yaml", "services:\n  airflow: {environment: {AIRFLOW_VAR_X: 1}}\n", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := readFolder(t, map[string]string{c.path: c.text})
			compare(t, "environments", environmentLines(p), c.environments)
			compare(t, "entries", entryLines(p), c.entries)
			compare(t, "problems", problemLines(p), nil)
		})
	}
}

// TestComposeOverAstro puts a service's own variables over those of its files
// and of the astro project.
func TestComposeOverAstro(t *testing.T) {
	p := readFolder(t, map[string]string{
		"docker-compose.override.yml": "services:\n  scheduler:\n    env_file: [a.env, {path: b.env}]\n    environment: {A: over-$B, AIRFLOW_X: $$}\n",
		"a.env":                       "C=a\nD=a\n", "b.env": "D=b\n", ".env": "A=env\nB=b\n",
	})
	env := p.Environments[len(p.Environments)-1]
	for name, want := range map[string]string{"A": "over-b", "B": "b", "C": "a", "D": "b", "AIRFLOW_X": "$"} {
		if s := env.Lookup(name); s == nil || s.Value != want {
			t.Errorf("%s: %s = %+v, want %s", env.Name, name, s, want)
		}
	}
	if got := env.Environ(); len(got) != 5 {
		t.Errorf("Environ = %q", got)
	}
}

// TestOf finds pieces of a value in the file.
func TestOf(t *testing.T) {
	p := readFolder(t, map[string]string{".env": "A='{\"x\": 1}'\nB=\"\\\"\"\n"})
	env := p.Environments[0]
	if got := where(env.Lookup("A").Of(1, 4)); got != `.env:1:5 "x"` {
		t.Errorf("Of = %s", got)
	}
	if got := where(env.Lookup("B").Of(0, 1)); got != `.env:2:3 "\""` {
		t.Errorf("Of without an exact place = %s", got)
	}
	if got := (Span{}).Text() + (Span{}).Path(); got != "" {
		t.Errorf("a span without a file is %q", got)
	}
}

// TestBrokenYAML reads what stands before the mistake, and tells of it where
// the file's name says what it is.
func TestBrokenYAML(t *testing.T) {
	p := readFolder(t, map[string]string{
		"airflow_settings.yaml": "airflow:\n  variables: [\n", "pod.yaml": "apiVersion: v1\nkind: Secret\nstringData: {AIRFLOW_A: b}\n---\na: b: c\n",
		"template.yaml": "apiVersion: v1\n{{ x }}: y\n",
	})
	compare(t, "environments", environmentLines(p), []string{"[pod.yaml: Secret , Kubernetes manifest hosted]", "AIRFLOW_A=b exact@0 | pod.yaml:3:25 b secret"})
	var at []string
	for _, problem := range p.Problems {
		line, _ := problem.Span.Position()
		at = append(at, fmt.Sprintf("%s:%d", problem.Span.Path(), line))
	}
	compare(t, "problems", at, []string{"airflow_settings.yaml:2", "pod.yaml:5"})
}
