package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/project"
)

// dagRules are about the Python files of DAGs.
func dagRules() []Rule {
	return []Rule{
		{ID: "dag-prints-secret", Severity: Error, Title: "a DAG prints a secret", Find: findPrints,
			Why: "Everybody who may read a DAG's logs can read it there, and it stays as long as the logs are kept. " +
				"A variable whose id does not say that it is a secret is a warning: it may hold none.",
			Airflow: "Airflow writes it to the task's log. It puts *** only in place of a connection's password and extra and of variables " +
				"whose id says that they are secret, and only where the text has five characters or more and stands there exactly as it is stored: " +
				"a password with special characters is percent-encoded in a URI and shows"},
		{ID: "dag-reads-at-import", Severity: Warning, Title: "a DAG reads a variable or connection whenever it is parsed", Find: findReads,
			Why: "It makes parsing wait for the secrets backend and costs requests while nothing runs. In a task or a template it is read when the task runs.",
			Airflow: "Airflow asks for it each time it parses the file: every 30 seconds ([dag_processor] min_file_process_interval) " +
				"and at the start of each task of the DAG"},
		{ID: "dag-schedule-interval", Severity: Error, Title: "a DAG has a schedule_interval, which Airflow 3 does not know", Find: findScheduleInterval,
			Why:     "The argument is named schedule since Airflow 2.4.",
			Airflow: "Airflow 3 does not load the DAG: TypeError: DAG.__init__() got an unexpected keyword argument 'schedule_interval'"},
		{ID: "dag-old-import", Severity: Error, Title: "a DAG imports what Airflow 3 does not have", Find: findOldImports,
			Why:     "Airflow 2 redirected it, Airflow 3 does not any more.",
			Airflow: "Airflow 3 does not load the DAG: the import error is a ModuleNotFoundError or an ImportError"},
		{ID: "dag-syntax", Severity: Error, Title: "a DAG is not valid Python", Find: findSyntax,
			Why:     "Python stops at the first such place, so nothing else in the file was looked at.",
			Airflow: "Airflow does not load the DAG: the import error is a SyntaxError"},
		{ID: "dag-rules-skipped", Severity: Note, Title: "DAGs were not looked at", Find: findSkipped,
			Why: "The rules about DAGs read them with Python's own parser and need a python3 of 3.8 or later in PATH."},
	}
}

// at is a finding at a place of a DAG.
func at(p dagscan.Place, message string) Finding {
	return Finding{File: p.File, Line: p.Line, Column: p.Column, Message: message}
}

// smells are those of one sort.
func smells(s *Subject, what string) []dagscan.Smell {
	if s.DAGs == nil {
		return nil
	}
	var found []dagscan.Smell
	for _, smell := range s.DAGs.Smells {
		if smell.What == what {
			found = append(found, smell)
		}
	}
	return found
}

// quoteID names a variable or connection, also where its id is made at run
// time.
func quoteID(kind airflow.Kind, id string) string {
	if id == "" {
		return fmt.Sprintf("a %s whose id is made at run time", kind)
	}
	return fmt.Sprintf("%s %q", kind, id)
}

func findPrints(s *Subject, report Report) {
	for _, smell := range smells(s, dagscan.PrintsSecret) {
		where, part, _ := strings.Cut(smell.Text, " of ")
		part = strings.TrimSuffix(part, string(smell.Kind))
		f := at(smell.Place, fmt.Sprintf("%s writes %s%s to the log", where, part, quoteID(smell.Kind, smell.ID)))
		f.Fix = "leave it out, or log that it is there: print(\"the " + string(smell.Kind) + " is there\")"
		if where == "bash_command" {
			f.Message = fmt.Sprintf("a shell command prints %s%s", part, quoteID(smell.Kind, smell.ID))
			f.Fix = "leave it out of the output"
		}
		if smell.Kind == airflow.KindVariable && part == "" && smell.ID != "" && !soundsSecret(smell.ID) {
			f.Severity = Warning
		}
		report(f)
	}
}

// secretWords are those by which Airflow tells that a variable is a secret
// (SecretsMasker, DEFAULT_SENSITIVE_FIELDS), and what a placeholder begins
// with.
func secretWords() []string {
	return strings.Fields("access_key access_token api_key apikey auth_header authorization bearer connection_string dsn passphrase " +
		"passwd password private_key proxy proxies secret service_account service_key token keyfile_dict webhook_url credential <")
}

func soundsSecret(id string) bool {
	id = strings.ToLower(id)
	return slices.ContainsFunc(secretWords(), func(word string) bool { return strings.Contains(id, word) })
}

// read is one id that a file asks for when it is parsed.
type read struct {
	file, id, prefix string
	kind             airflow.Kind
}

func findReads(s *Subject, report Report) {
	if s.DAGs == nil {
		return
	}
	found := map[read][]dagscan.Use{}
	var order []read
	for _, u := range s.DAGs.Uses {
		if !u.Import || u.Via == "os.environ" {
			continue
		}
		key := read{u.Place.File, u.ID, u.Prefix, u.Kind}
		if found[key] == nil {
			order = append(order, key)
		}
		found[key] = append(found[key], u)
	}
	for _, key := range order {
		reportRead(key, found[key], report)
	}
}

func reportRead(key read, uses []dagscan.Use, report Report) {
	first := slices.MinFunc(uses, func(a, b dagscan.Use) int {
		return cmp.Or(a.Place.Line-b.Place.Line, a.Place.Column-b.Place.Column)
	})
	name := quoteID(key.kind, key.id)
	if key.prefix != "" {
		name = fmt.Sprintf("a %s whose id begins with %q", key.kind, key.prefix)
	}
	times := "once"
	if len(uses) > 1 {
		times = fmt.Sprintf("%d times", len(uses))
	}
	f := at(first.Place, fmt.Sprintf("%s asks for %s while the file is imported: %s at every parse", first.Via, name, times))
	f.Fix = fixRead(key, first)
	report(f)
}

// fixRead is how to ask when the task runs.
func fixRead(key read, u dagscan.Use) string {
	move := "move the call into the function of the task"
	if key.id == "" || !templateName(key.id) {
		return move
	}
	if key.kind == airflow.KindConnection {
		return move + ", or write {{ conn." + key.id + ".host }} in a templated argument"
	}
	if u.Default {
		return move + ", or write {{ var.value.get('" + key.id + "', 'default') }} in a templated argument"
	}
	return move + ", or write {{ var.value." + key.id + " }} in a templated argument"
}

// templateName tells whether an id can stand after a dot in Jinja.
func templateName(id string) bool {
	return strings.IndexFunc(id, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	}) < 0 && (id[0] < '0' || id[0] > '9')
}

func findScheduleInterval(s *Subject, report Report) {
	files := map[string]*project.File{}
	for _, smell := range smells(s, dagscan.ScheduleInterval) {
		f := at(smell.Place, smell.Text+"() has an argument schedule_interval")
		f.Fix = "schedule=..., with the same value"
		if onlyTwo(s.Project) {
			f.Severity, f.Airflow = Note, "Airflow 2 warns (RemovedInAirflow3Warning) and takes it; Airflow 3 does not load the DAG"
		}
		if span, ok := dagSpan(s.Project, files, smell); ok {
			f.Span, f.Edits = span, []Edit{{Span: span, New: "schedule"}}
		}
		report(f)
	}
}

// dagSpan is the argument's name in the file, which is read for it: the
// project's own copy has no text. All spans of one file share the copy.
func dagSpan(p *project.Project, files map[string]*project.File, smell dagscan.Smell) (project.Span, bool) {
	const name = "schedule_interval"
	i := slices.IndexFunc(p.Files, func(f *project.File) bool { return f.Path == smell.Place.File })
	if i < 0 || smell.End == 0 {
		return project.Span{}, false
	}
	file := files[smell.Place.File]
	if file == nil {
		text, err := dagscan.Text(p.Dir, smell.Place.File)
		if err != nil {
			return project.Span{}, false
		}
		with := *p.Files[i]
		with.Text = text
		file = &with
		files[smell.Place.File] = file
	}
	span := project.Span{File: file, Start: smell.Start, End: smell.End}
	return span, span.Text() == name
}

func findOldImports(s *Subject, report Report) {
	for _, smell := range smells(s, dagscan.OldImport) {
		f := at(smell.Place, "Airflow 3 has no "+smell.Text)
		if smell.Instead != "" {
			module, name := smell.Instead[:strings.LastIndexByte(smell.Instead, '.')], smell.Instead[strings.LastIndexByte(smell.Instead, '.')+1:]
			f.Fix = "from " + module + " import " + name
		} else {
			f.Fix = withoutImport(smell.Text)
		}
		switch {
		case onlyTwo(s.Project):
			f.Severity, f.Airflow = Note, "Airflow 2 has it, most of these with a warning (RemovedInAirflow3Warning)"
		case !smell.Import:
			f.Airflow = "The task fails in Airflow 3 with a ModuleNotFoundError or an ImportError"
		}
		report(f)
	}
}

// withoutImport is what to write where Airflow 3 has nothing of the kind; ""
// where that depends.
func withoutImport(old string) string {
	switch {
	case old == "airflow.utils.dates.days_ago":
		return "start_date=datetime(2025, 1, 1), a fixed date"
	case old == "airflow.utils.decorators.apply_defaults":
		return "leave the decorator out: operators do it by themselves"
	case strings.HasPrefix(old, "airflow.operators.subdag"):
		return "from airflow.sdk import TaskGroup"
	}
	return ""
}

func findSyntax(s *Subject, report Report) {
	for _, smell := range smells(s, dagscan.SyntaxError) {
		f := at(smell.Place, fmt.Sprintf("Python %s does not read it: %s", s.DAGs.Python, smell.Text))
		report(f)
	}
}

func findSkipped(s *Subject, report Report) {
	if s.DAGs == nil {
		return
	}
	if s.DAGs.Skipped != "" {
		i := slices.IndexFunc(s.Project.Files, func(f *project.File) bool { return f.Kind == project.DAG })
		if i >= 0 {
			report(Finding{File: s.Project.Files[i].Path, Line: 1, Column: 1, Message: "the DAGs were not looked at: " + s.DAGs.Skipped,
				Fix: "install Python 3.8 or later, or put the folder of python3 into PATH"})
		}
	}
	for _, smell := range smells(s, dagscan.Unreadable) {
		report(at(smell.Place, "this file was not looked at: "+smell.Text))
	}
}
