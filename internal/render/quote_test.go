package render_test

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/docker/cli/pkg/kvfile"
	goccy "github.com/goccy/go-yaml"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/subosito/gotenv"
	yaml3 "go.yaml.in/yaml/v3"
	kubernetes "sigs.k8s.io/yaml"

	"github.com/airlock-secrets/airlock/internal/render"
)

// TestQuotes shows what the functions write.
func TestQuotes(t *testing.T) {
	tests := []struct{ value, dotenv, dockerfile, shell, yaml string }{
		{"plain", "N=plain", "ENV N='plain'", "export N=plain", "plain"},
		{"", "N=", "ENV N=''", "export N=''", "''"},
		{`{"url": "x"}`, `N={"url": "x"}`, `ENV N='{"url": "x"}'`, `export N='{"url": "x"}'`, `'{"url": "x"}'`},
		{"it's $5", `N="it's \$5"`, `ENV N="it's \$5"`, `export N='it'\''s $5'`, `'it''s $5'`},
		{"$HOME", `N='$HOME'`, `ENV N='$HOME'`, `export N='$HOME'`, `'$HOME'`},
		{"a\nb", `N="a\nb"`, "", "export N='a\nb'", `"a\nb"`},
		{" #x", `N=' #x'`, `ENV N=' #x'`, `export N=' #x'`, `' #x'`},
		{`end\`, `N=end\`, `ENV N='end\'`, `export N='end\'`, `'end\'`},
		{"true", "N=true", "ENV N='true'", "export N=true", "'true'"},
		{"\u2028", "N=\"\u2028\"", "ENV N='\u2028'", "export N='\u2028'", `"\u2028"`},
	}
	for _, tt := range tests {
		for _, f := range []struct {
			write func(name, value string) (string, error)
			want  string
		}{{render.DotEnv, tt.dotenv}, {render.Dockerfile, tt.dockerfile}, {render.Shell, tt.shell}} {
			if got, err := f.write("N", tt.value); got != f.want || (err == nil) != (f.want != "") {
				t.Errorf("%q is written %q, %v; want %q", tt.value, got, err, f.want)
			}
		}
		if got := render.YAML(tt.value); got != tt.yaml {
			t.Errorf("YAML(%q) = %q, want %q", tt.value, got, tt.yaml)
		}
	}
}

// TestRefused: what no environment can hold is refused, and the error does
// not show it.
func TestRefused(t *testing.T) {
	writers := map[string]func(name, value string) (string, error){
		"DotEnv": render.DotEnv, "Dockerfile": render.Dockerfile, "Shell": render.Shell, "DockerEnvFile": render.DockerEnvFile,
	}
	for name, write := range writers {
		for _, value := range []string{"CANARY-x\x00", "CANARY-\xff", "CANARY-\xed\xa0\x80"} {
			got, err := write("N", value)
			if err == nil || got != "" || strings.Contains(err.Error(), "CANARY-") || !strings.Contains(err.Error(), "N") {
				t.Errorf("%s does not refuse it as it should", name)
			}
		}
		for _, odd := range []string{"", "1A", "A B", "A=B", "A\nB", "A\x00", "Ä", "A#", "A'"} {
			if _, err := write(odd, "v"); err == nil {
				t.Errorf("%s takes the name %q", name, odd)
			}
		}
	}
	if _, err := render.Shell("A.B", "v"); err == nil {
		t.Error("a shell takes no name with a dot")
	}
	long := strings.Repeat("x", 70000)
	for _, name := range []string{"Dockerfile", "DockerEnvFile"} {
		if _, err := writers[name]("N", long); err == nil {
			t.Errorf("%s writes a line that docker does not read", name)
		}
	}
	for size := 65500; size < 65540; size++ {
		checkDotEnv(t, long[:size])
		checkDockerfile(t, long[:size])
	}
}

func FuzzDotEnv(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, value string) { checkDotEnv(t, value) })
}

func FuzzDockerfile(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, value string) { checkDockerfile(t, value) })
}

func FuzzYAML(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, value string) { checkYAML(t, value) })
}

func seed(f *testing.F) {
	for _, p := range pieces {
		f.Add(p)
	}
}

// TestRoundTrip reads arbitrary values back with the tools' own readers.
func TestRoundTrip(t *testing.T) {
	for _, value := range values(8000) {
		checkDotEnv(t, value)
		checkDockerfile(t, value)
		checkYAML(t, value)
		if t.Failed() {
			return
		}
	}
}

// around puts a statement between two others, so that one which runs on, or
// ends early, is seen.
func around(line string) string { return "BEFORE=1\n" + line + "\nAFTER=2\n" }

func checkDotEnv(t *testing.T, value string) {
	t.Helper()
	line, err := render.DotEnv("NAME", value)
	if err != nil {
		return
	}
	if strings.Contains(line, "\n") {
		t.Errorf("%q is not one line", line)
	}
	got, err := dotenv.UnmarshalWithLookup(around(line), func(string) (string, bool) { return "set", true })
	if err != nil || len(got) != 3 || got["NAME"] != value || got["BEFORE"] != "1" || got["AFTER"] != "2" {
		t.Errorf("compose reads %q as %q, %v", line, got, err)
	}
	checkAstro(t, line, value)
	if raw, err := render.DockerEnvFile("NAME", value); err == nil {
		lines, err := kvfile.ParseFromReader(strings.NewReader(around(raw)), nil)
		if err != nil || len(lines) != 3 || lines[1] != "NAME="+value {
			t.Errorf("docker reads %q as %q, %v", raw, lines, err)
		}
	}
}

// checkAstro reads with the library of `astro env variable create
// --from-file`. It cuts what has no quotes at #, and is left out where it
// cannot be pleased together with compose: it gives \n and \r a meaning
// before \\, knows no \t, and takes a quote for the closing one by the
// character before it.
func checkAstro(t *testing.T, line, value string) {
	t.Helper()
	_, text, _ := strings.Cut(line, "=")
	plain := text == value
	if plain && strings.ContainsAny(value, "#$") || !plain && (strings.Contains(value, `\n`) || strings.Contains(value, `\r`)) || len(line) > 60000 {
		return
	}
	if strings.ContainsAny(value, "\t'\"\\") || strings.TrimSpace(value) != value {
		return
	}
	got, err := gotenv.StrictParse(strings.NewReader(around(line)))
	if err != nil || got["NAME"] != value || len(got) != 3 {
		t.Errorf("astro env reads %q as %q, %v", line, got["NAME"], err)
	}
}

func checkDockerfile(t *testing.T, value string) {
	t.Helper()
	line, err := render.Dockerfile("NAME", value)
	if err != nil {
		return
	}
	tree, err := parser.Parse(strings.NewReader("FROM scratch\n" + line + "\nENV AFTER=2\n"))
	if err != nil {
		t.Errorf("buildkit refuses %q: %v", line, err)
		return
	}
	nodes := tree.AST.Children
	if len(nodes) != 3 || nodes[1].Next == nil || nodes[1].Next.Next == nil || nodes[1].Next.Value != "NAME" {
		t.Errorf("buildkit reads %q as something else", line)
		return
	}
	got, _, err := shell.NewLex(tree.EscapeToken).ProcessWord(nodes[1].Next.Next.Value, shell.EnvsFromSlice([]string{"HOME=set"}))
	if err != nil || got != value {
		t.Errorf("buildkit reads %q as %q, %v", line, got, err)
	}
	if more := nodes[1].Next.Next.Next; more == nil || more.Next != nil {
		t.Errorf("buildkit reads more than one variable in %q", line)
	}
}

func checkYAML(t *testing.T, value string) {
	t.Helper()
	want := strings.ToValidUTF8(value, "\uFFFD")
	scalar := render.YAML(value)
	if strings.ContainsAny(scalar, "\n\r") {
		t.Errorf("%q is not one line", scalar)
	}
	text := "env:\n  - name: A\n    value: " + scalar + "\n  - {name: B, value: " + scalar + "}\n"
	for name, unmarshal := range map[string]func([]byte, any) error{
		"goccy":      func(b []byte, v any) error { return goccy.Unmarshal(b, v) },
		"go.yaml.in": yaml3.Unmarshal,
		"Kubernetes": func(b []byte, v any) error { return kubernetes.UnmarshalStrict(b, v) },
	} {
		var got struct {
			Env []struct {
				Name  string `yaml:"name" json:"name"`
				Value any    `yaml:"value" json:"value"`
			} `yaml:"env" json:"env"`
		}
		if err := unmarshal([]byte(text), &got); err != nil || len(got.Env) != 2 || got.Env[0].Value != want || got.Env[1].Value != want {
			t.Errorf("%s reads %q as %q, %v", name, scalar, got.Env, err)
		}
	}
}
