package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airlock-secrets/airlock/internal/servertest"
)

// outsiders are folders of somebody else's in a process that has settings of
// the user's, and links out of such folders to files of the user's.
var outsiders = []struct {
	name    string
	files   map[string]string
	links   map[string]string
	environ []string
}{
	{name: "a .env that is a link", files: map[string]string{"Dockerfile": "FROM x\nENV " + vaultIs + "ENV AIRFLOW__SECRETS__BACKEND_KWARG__URL=http://HOST\n"},
		links: map[string]string{".env": "HOME/work/.env"}},
	{name: "a Dockerfile that is a link", files: map[string]string{".env": "AIRFLOW__SECRETS__BACKEND_KWARG__URL=http://HOST\n"},
		links: map[string]string{"Dockerfile": "../home/work/Dockerfile"}},
	{name: "an airflow.cfg that is a link", files: map[string]string{".env": "AIRFLOW_HOME=.\nAIRFLOW__SECRETS__BACKEND_KWARG__URL=http://HOST\n"},
		links: map[string]string{"airflow.cfg": "HOME/work/airflow.cfg"}},
	{name: "a folder of airflow.cfg that is a link", files: map[string]string{".env": "AIRFLOW_HOME=af\nAIRFLOW__SECRETS__BACKEND_KWARG__URL=http://HOST\n"},
		links: map[string]string{"af": "HOME/work"}},
	{name: "an airlock.yaml that is a link", files: map[string]string{".env": "SERVER=http://HOST\n"},
		links: map[string]string{"airlock.yaml": "HOME/work/airlock.yaml"}},
	{name: "a path that only url.Parse refuses", environ: []string{"VAULT_ADDR=http://vault.invalid:8200"},
		files: map[string]string{".env": vaultIs + kwargs + `'{"url": "http://vault.invalid:8200/%zz"}'` + "\nHTTP_PROXY=http://HOST\n"}},
	{name: "a key file that the process names", files: map[string]string{"key.json": external},
		environ: []string{strings.TrimSuffix(gcpIs, "\n"), "GOOGLE_APPLICATION_CREDENTIALS=key.json"}},
	{name: "a key file that the process names, beside a .env", files: map[string]string{"key.json": external, ".env": "X=y\n"},
		environ: []string{strings.TrimSuffix(gcpIs, "\n"), "GOOGLE_APPLICATION_CREDENTIALS=key.json"}},
	{name: "a profile that the process names", files: map[string]string{"aws.ini": "[default]\nregion = eu-west-1\nendpoint_url = http://HOST\n"},
		environ: []string{strings.TrimSuffix(ssmIs, "\n"), "AWS_CONFIG_FILE=aws.ini"}},
	{name: "a database of a command of the user's", files: map[string]string{".env": "PGPORT=PORT\n"},
		environ: []string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD=echo postgresql://" + canary + "user:" + canary + "pg@127.0.0.1/airflow"}},
	{name: "a database whose URL another folder's store answers", environ: []string{"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_SECRET=conn"},
		files: map[string]string{"conn.json": `{"conn": "postgresql://HOST/airflow"}`,
			"airlock.yaml": "sources:\n  - class: airflow.secrets.local_filesystem.LocalFilesystemBackend\n    kwargs: {configs_file_path: conn.json}\n"}},
}

// TestNothingOutsideTheFolderIsItsOwn: what a link leads to, what a command of
// the user's prints, and what the process names in the folder is no credential
// of the folder's.
func TestNothingOutsideTheFolderIsItsOwn(t *testing.T) {
	authority := servertest.NewAuthority(t)
	for _, folder := range outsiders {
		t.Run(folder.name, func(t *testing.T) {
			t.Parallel()
			at := record(t, authority)
			home, environ := userHome(t)
			environ = append(slices.Clone(environ), folder.environ...)
			writeProject(t, filepath.Join(home, "work"), map[string]string{
				".env":         "VAULT_TOKEN=" + canary + "env\n" + kwargs + `'{"token": "` + canary + `env"}'` + "\n",
				"Dockerfile":   "FROM x\nENV " + vaultIs + "ENV VAULT_TOKEN=" + canary + "docker\n",
				"airflow.cfg":  "[secrets]\nbackend = airflow.providers.hashicorp.secrets.vault.VaultBackend\nbackend_kwargs = {\"token\": \"" + canary + "cfg\"}\n",
				"airlock.yaml": "sources:\n  - class: airflow.providers.hashicorp.secrets.vault.VaultBackend\n    kwargs: {url: '${SERVER}', token: " + canary + "yaml}\n",
			})
			dir := filepath.Join(filepath.Dir(home), "project")
			_, port, _ := strings.Cut(at.Host, ":")
			fill := strings.NewReplacer("HOST", at.Host, "HOME/", home+"/", "PORT", port)
			files := map[string]string{"README": "x\n"}
			for name, text := range folder.files {
				files[name] = strings.ReplaceAll(fill.Replace(text), "AIRFLOW_"+home, "AIRFLOW_HOME")
			}
			writeProject(t, dir, files)
			for name, target := range folder.links {
				if err := os.Symlink(fill.Replace(target), filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			}
			for _, words := range strangeCommands {
				args := slices.Clone(words)
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "HOME", home)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				var out bytes.Buffer
				Main(Env{Context: ctx, Args: args, Dir: dir, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Environ: environ})
				cancel()
				if holds(at.sent(), canary) {
					t.Errorf("%s sends something of the user's", strings.Join(args, " "))
				}
				// What render writes is the settings themselves.
				if args[0] != "render" && holds(out.Bytes(), canary) {
					t.Errorf("%s shows something of the user's", strings.Join(args, " "))
				}
			}
		})
	}
}
