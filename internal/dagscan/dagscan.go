// Package dagscan reads DAG files with Python's own parser, never importing
// them: which variables and connections they ask for, which of those while the
// file is imported, and where they print a secret.
package dagscan

import (
	"context"
	"time"

	"github.com/airlock-secrets/airlock/airflow"
)

// Options say what to read and with what.
type Options struct {
	// Dir is the project's folder, Files are relative to it.
	Dir   string
	Files []string
	// Project is the folder that is looked at, none of whose programs is run;
	// empty: Dir.
	Project string
	// Python is the interpreter; empty means the first python3 of PATH that
	// lies in neither folder.
	Python string
	// Environ is the process environment: only PATH of it is used.
	Environ []string
	// Budget bounds all of the files together; a zero member is the default.
	Budget Budget
}

// Budget is what reading all files may cost. Where it is used up, the files
// that are left are [Unfinished].
type Budget struct {
	// Bytes are those of the files; 0 is 128 MiB.
	Bytes int64
	// Steps are what goes on in them: a node of the syntax, an entry of a
	// list or a piece of text that is looked at. 0 is 100 million, a minute
	// or two of one processor. A single file has 4 million.
	Steps int64
	// Time is for what no step counts; 0 is two minutes.
	Time time.Duration
}

// Result is what the files ask for.
type Result struct {
	Uses   []Use
	Smells []Smell
	// Ignores are the comments that silence rules.
	Ignores []Ignore
	// Skipped says why no file was read: no python3. Empty otherwise.
	Skipped string
	// Python is the version that read them: "3.11".
	Python string
}

// Place is a place in a file, line and column from 1.
type Place struct {
	File         string
	Line, Column int
}

// Ignore is a comment "airlock:ignore RULE RULE" on a line, or on the line
// before.
type Ignore struct {
	Place Place
	Rules []string
}

// Use is one question for a variable or connection.
type Use struct {
	Kind airflow.Kind
	// ID is what is asked for; empty where it is made while the DAG runs.
	ID string
	// Prefix is what stands before the part that is made at run time.
	Prefix string
	// Via is how: "Variable.get", "BaseHook.get_connection", "conn_id=",
	// "template".
	Via string
	// Import is set where it is asked while the file is imported: at every
	// parse.
	Import bool
	// Default is set where there is a default, so that a miss is no error.
	Default bool
	Place   Place
}

// Smell is something in a DAG that will not work, or not safely.
type Smell struct {
	// What is one of the constants below.
	What string
	// Text names the thing, without any value.
	Text  string
	Place Place
	// Kind and ID are what is printed, of PrintsSecret; ID may be empty.
	Kind airflow.Kind
	ID   string
	// Instead is what to import in Airflow 3, of OldImport; empty where it
	// has nothing of the kind. Import is set where the import is made when
	// the file is imported, not in the body of a task.
	Instead string
	Import  bool
	// Start and End are the bytes of the file that hold the name of the
	// argument, of ScheduleInterval; both 0 where "schedule" cannot just take
	// its place.
	Start, End int
}

// What smells.
const (
	PrintsSecret     = "prints-secret"
	ScheduleInterval = "schedule-interval"
	OldImport        = "old-import"
	SyntaxError      = "syntax-error"
	Unreadable       = "unreadable"
	// Unfinished is a file that is not read, or not to its end, because that
	// would take too long.
	Unfinished = "unfinished"
)

// Scan reads the files, in the order given. A file that Python cannot parse, or
// that is no regular file of the folder of at most 1 MiB, or that is left when
// the budget is used up, is a Smell. It fails
// when the folder cannot be opened or the context ends.
func Scan(ctx context.Context, o Options) (*Result, error) { return scan(ctx, o) }
