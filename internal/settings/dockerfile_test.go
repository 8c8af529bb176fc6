package settings

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDockerfile(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []entry
	}{
		{"pairs", "FROM x\nENV A=1 B=\"2 3\" C='$A' D=4\\ 5\n", []entry{{"A", "1", 2}, {"B", "2 3", 2}, {"C", "$A", 2}, {"D", "4 5", 2}}},
		{"old form", "FROM x\nENV A 1 2  3\n", []entry{{"A", "1 2  3", 2}}},
		{"continued lines", "FROM x\nENV A=1 \\\n    B=2 \\\n# a comment\n    C=3\n", []entry{{"A", "1", 2}, {"B", "2", 3}, {"C", "3", 5}}},
		{"lower case and tabs", "from x\n\tenv\tA=1\n", []entry{{"A", "1", 2}}},
		{"variables set before", "FROM x\nENV A=1\nENV A=2 B=${A}x C=${Z:-d}\n", []entry{{"A", "1", 2}, {"A", "2", 3}, {"B", "1x", 3}, {"C", "d", 3}}},
		{"build arguments", "ARG V=9\nFROM x:$V\nARG V\nARG W=w\nENV A=$V$W\n", []entry{{"A", "9w", 5}}},
		{"the last stage only", "FROM x AS one\nENV A=1\nFROM y\nENV B=2\n", []entry{{"B", "2", 4}}},
		{"and the stage it is from", "FROM x AS One\nENV A=1\nFROM y AS two\nENV Z=1\nFROM one\nENV B=$A\n", []entry{{"A", "1", 2}, {"B", "1", 6}}},
		{"a stage named by an argument", "ARG BASE=one\nFROM x AS one\nENV A=1\nFROM ${BASE}\n", []entry{{"A", "1", 3}}},
		{"a heredoc is no instruction", "FROM x\nRUN <<EOF\nENV A=1\nEOF\nENV B=2\n", []entry{{"B", "2", 5}}},
		{"ONBUILD is for other images", "FROM x\nONBUILD ENV A=1\n", nil},
		{"byte order mark gone, windows lines", "FROM x\r\nENV A=1\r\n", []entry{{"A", "1", 2}}},
		{"backquote escapes", "# escape=`\nFROM x\nENV A=c:\\d B=`$x\n", []entry{{"A", `c:\d`, 3}, {"B", "$x", 3}}},
		{"no instruction", "# nothing\n\n", nil},
		{"empty", "", nil},
		{"the seed's lines", "FROM quay.io/astronomer/astro-runtime:5.0.6\n" +
			"ENV AIRFLOW__SECRETS__BACKEND=\"airflow.contrib.secrets.hashicorp_vault.VaultBackend\"\n" +
			"ENV AIRFLOW__SECRETS__BACKEND_KWARGS='{\"config_path\": null, \"role_id\":\"<your-approle-id>\"}'\n",
			[]entry{
				{"AIRFLOW__SECRETS__BACKEND", "airflow.contrib.secrets.hashicorp_vault.VaultBackend", 2},
				{"AIRFLOW__SECRETS__BACKEND_KWARGS", `{"config_path": null, "role_id":"<your-approle-id>"}`, 3},
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, notes := parseDockerfile("Dockerfile", c.text)
			if !slices.Equal(got, c.want) {
				t.Errorf("parseDockerfile = %+v, want %+v", got, c.want)
			}
			if len(notes) != 0 {
				t.Errorf("notes: %v", notes)
			}
		})
	}
}

// TestDockerfileRefused keeps what docker takes when it would refuse a line.
func TestDockerfileRefused(t *testing.T) {
	for _, c := range []struct{ name, text, note string }{
		{"a comment behind a value", "FROM x\nENV A=1\nENV AZURE_CLIENT_ID=\"s3cret\" # Found on the page\nENV B=2\n",
			"Dockerfile:3: docker build refuses this ENV line, so it is ignored: a comment needs a line of its own"},
		{"a name alone", "FROM x\nENV A=1\nENV s3cret\nENV B=2\n", "Dockerfile:3: docker build refuses this ENV line"},
		{"a bad label", "FROM x\nENV A=1\nLABEL a=1 s3cret\nENV B=2\n", "Dockerfile:3: docker build refuses this instruction"},
		{"a bad substitution", "FROM x\nENV A=1\nENV C=${s3cret!}\nENV B=2\n", "Dockerfile:3: the value of ENV C is ignored"},
		{"a variable of the base image", "FROM x\nENV A=1\nENV AIRFLOW_X=$BASE\nENV B=2\n", "Dockerfile:3: the value of ENV AIRFLOW_X uses a variable"},
		{"before the first stage", "ENV C=1\nFROM x\nENV A=1\nENV B=2\n", "Dockerfile:1: an ENV line before the first FROM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, notes := parseDockerfile("Dockerfile", c.text)
			values := map[string]string{}
			for _, e := range got {
				values[e.name] = e.value
			}
			if values["A"] != "1" || values["B"] != "2" {
				t.Errorf("parseDockerfile = %+v: A and B are gone", got)
			}
			if len(notes) != 1 || !strings.HasPrefix(notes[0].String(), c.note) || strings.Contains(notes[0].String(), "s3cret") {
				t.Errorf("notes = %v, want %q", notes, c.note)
			}
		})
	}
}

func TestDockerfileGivenUp(t *testing.T) {
	text := "FROM x\n" + strings.Repeat("ENV A\n", mostRefused+5)
	got, notes := parseDockerfile("Dockerfile", text)
	if len(got) != 0 || len(notes) != mostRefused+1 {
		t.Errorf("%d entries and %d notes", len(got), len(notes))
	}
	var double strings.Builder
	double.WriteString("FROM x\nENV A00=0123456789\n")
	for i := range 60 {
		fmt.Fprintf(&double, "ENV A%02d=${A%02d}${A%02d}\n", i+1, i, i)
	}
	if _, notes := parseDockerfile("Dockerfile", double.String()); len(notes) == 0 || !strings.Contains(notes[0].Text, "too large") {
		t.Errorf("doubling lines: notes = %v", notes)
	}
}

func FuzzDockerfile(f *testing.F) {
	f.Add("FROM x\nENV A=1 B=$A\n")
	f.Add("ARG A=1\nFROM $A AS b\nARG A\nFROM b\nENV C ${A:-x}\nRUN <<E\nE\n")
	f.Add("ENV A=\"x\" # y")
	f.Add("FROM x\nENV A=$\\\n\nFROM")
	f.Fuzz(func(_ *testing.T, text string) { parseDockerfile("Dockerfile", text) })
}
