package dagscan

import (
	"bufio"
	"strings"
	"testing"

	"github.com/airlock-secrets/airlock/airflow"
)

// FuzzAnswer reads any text as what the script answers: what counts has a kind
// and a place, and the answer after one that is not understood is not taken
// for it.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		`{"uses":[["variable","a","","Variable.get",true,false,1,2],["connection","","p_","conn_id=",false,true,3,4]],"smells":[],"imports":[]}`,
		`{"smells":[["prints-secret","print() of the password of connection","connection","c",1,1,0,0],["schedule-interval","x","","",1,2,3,4]]}`,
		`{"imports":[["airflow.operators.python_operator","PythonOperator",true,1,1],["airflow.contrib","",false,2,1]]}`,
		`{"uses":[["variable","a"]]}`, `{"uses":[[]]}`, `{"uses":[null]}`, `{"uses":null}`, `{"uses":[["config","a","","x",true,true,0,-1]]}`, `{"smells":[["x","","","",1,1,9,2]]}`, `{}`, `[]`, `{"old": "3.7"}`,
		`{"uses":[["variable","a","","x",1,"",1e3,1.5]]}`, `{"imports":[["` + strings.Repeat("a.", 300) + `","b",true,1,1]]}`, "\x00", "{}\n{}", `{"USES":[["variable","A","","x",true,true,1,1]]}`,
	} {
		f.Add(text)
	}
	table := newMoved()
	f.Fuzz(func(t *testing.T, text string) {
		p := process{out: bufio.NewReaderSize(strings.NewReader(text+"\n"), 16)}
		var a answer
		err := p.read(&a)
		if !strings.Contains(text, "\n") && p.out.Buffered() != 0 {
			t.Errorf("%d bytes are left of %q", p.out.Buffered(), text)
		}
		for _, i := range a.Imports {
			if s := table.smell(i); s != nil && (s.What != OldImport || !strings.HasPrefix(s.Text, "airflow")) {
				t.Errorf("%+v of %q", s, text)
			}
		}
		if err != nil {
			return
		}
		r := collect([]string{"a.py"}, []outcome{{answer: a}}, "3.12")
		if len(r.Uses) != len(a.Uses) || len(r.Smells) < len(a.Smells) {
			t.Errorf("%d uses and %d smells come of %q", len(r.Uses), len(r.Smells), text)
		}
		for _, u := range r.Uses {
			if u.Kind != airflow.KindVariable && u.Kind != airflow.KindConnection || badPlace(u.Place) {
				t.Errorf("%+v is taken from %q", u, text)
			}
		}
		for _, s := range r.Smells {
			if s.Start < 0 || s.Start > s.End || badPlace(s.Place) {
				t.Errorf("%+v is taken from %q", s, text)
			}
		}
	})
}

func badPlace(p Place) bool { return p.File != "a.py" || p.Line < 1 || p.Column < 1 }
