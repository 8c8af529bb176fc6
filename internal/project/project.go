// Package project reads what configures an Airflow: a folder as the astro CLI
// lays it out, the values of a Helm chart, a Kubernetes manifest, airflow.cfg,
// airlock.yaml or the process environment. Each thing found keeps where it
// stands, to the byte, so that a finding can point at it and a fix replace it.
//
// Nothing found is run, and no file outside the folder is read.
package project

import (
	"context"

	"github.com/airlock-secrets/airlock/airflow"
)

// Options say what to read.
type Options struct {
	// Path is a folder or a file; empty means the current folder.
	Path string
	// Environ is the process environment, as os.Environ gives it.
	Environ []string
	// Process makes the process environment one of the sources: what is set
	// in it wins over the files, as in [internal/settings]. Without it only
	// $NAME in files is filled in from Environ.
	Process bool
	// Config is the airlock.yaml that --config names, absolute; empty for
	// none.
	Config string
}

// Project is what was found.
type Project struct {
	// Dir is the folder, absolute; the folder of the file where one was named.
	Dir string
	// Config is the path of the airlock.yaml that --config names, absolute;
	// empty for none.
	Config string
	// Files are all the files read, sorted by path, and the process
	// environment, where it is a source, as the first.
	Files []*File
	// Environments are the Airflows that would be started: first the astro
	// project (the process, .env, Dockerfile and airflow.cfg of the folder),
	// then one for each other .env, Dockerfile and airflow.cfg, for each script
	// that exports variables of Airflow, Deployment file, service of a compose
	// file, container of a manifest and component of Helm values. Of the last
	// three only those that any variable of Airflow tells to be one.
	Environments []*Environment
	// Requirements are the packages of requirements.txt, and of pip install
	// lines of the Dockerfile.
	Requirements []Requirement
	// Base is the image that the folder's Dockerfile starts from.
	Base Base
	// Entries are variables and connections whose content stands in a file:
	// AIRFLOW_VAR_* and AIRFLOW_CONN_*, airflow_settings.yaml, exports, and
	// what commands write to a store.
	Entries []Entry
	// Commands are the commands of shell scripts and of the fenced blocks of
	// Markdown documents.
	Commands []Command
	// Policies are the grants of Vault policy files, of IAM policies and of
	// what commands write as such.
	Policies []Policy
	// Deployments are the astro CLI's Deployment files.
	Deployments []Deployment
	// Problems are what stands in a file but the tool that reads it refuses
	// or passes over, in the order of files and lines.
	Problems []Problem
	// Left is how many bytes more may be read of the project, for the DAGs.
	Left int64
	// Git tells whether the folder belongs to a git repository that git could
	// be asked about: false where git is not installed, or refuses.
	Git bool
}

// Read reads a project. A path that is not there is an error; a file that
// cannot be read is a Problem. Bounds: 1 MiB a file, 128 MiB all of them,
// 20,000 files. Folders whose names start with a dot, and those of installed
// packages, are passed over; so are examples (.env.example). Links are followed
// to files within the folder only.
func Read(ctx context.Context, o Options) (*Project, error) { return read(ctx, o) }

// Kind is what sort of file it is.
type Kind string

// The kinds of files.
const (
	Process         Kind = "process environment"
	DotEnv          Kind = ".env"
	Dockerfile      Kind = "Dockerfile"
	Compose         Kind = "compose file"
	AirflowConfig   Kind = "airflow.cfg"
	AirlockConfig   Kind = "airlock.yaml"
	HelmValues      Kind = "Helm values"
	Manifest        Kind = "Kubernetes manifest"
	RequirementList Kind = "requirements"
	AstroSettings   Kind = "airflow_settings.yaml"
	AstroDeployment Kind = "Deployment file"
	VaultPolicy     Kind = "Vault policy"
	CloudPolicy     Kind = "IAM policy"
	Script          Kind = "shell script"
	Document        Kind = "document"
	DAG             Kind = "DAG"
	// Export is a file that variables or connections were written to; a .env
	// of another name is one too.
	Export Kind = "export"
	Ignore Kind = ".gitignore"
)

// File is a file of the project. Its Text is empty for a DAG, which package
// dagscan reads.
type File struct {
	// Path is relative to the project's folder, with slashes; "environment"
	// for the process environment.
	Path string
	Kind Kind
	Text string
	// Tracked is set where git has the file in its index, Ignored where
	// git's ignore files cover it, tracked or not. Both are false where
	// [Project.Git] is; git is not asked whether it ignores a DAG.
	Tracked, Ignored bool

	// marks are places of Text when it had marked bytes.
	marks  []mark
	marked int
}

// Span is a piece of a file: bytes Start to End of its Text.
type Span struct {
	File       *File
	Start, End int
}

// Setting is an environment variable, or an option of airflow.cfg under the
// name of its variable (AIRFLOW__SECRETS__BACKEND), set at one place.
type Setting struct {
	Name string
	// Value is what Airflow's process gets. Empty where it is not Known.
	Value string
	// Known is false where the value is taken from elsewhere: a Kubernetes
	// Secret, a variable that is not set.
	Known bool
	// Secret is set where the place keeps the value as a secret: a
	// secretKeyRef, is_secret of a Deployment file.
	Secret bool
	// Key is the name as it stands, Text the value, with the quotes that
	// belong to the file's syntax, Whole the statement.
	Key, Text, Whole Span
	// Exact is set where Value stands in the file byte for byte, at Start.
	Exact bool
	Start int
}

// Environment is what one Airflow process gets.
type Environment struct {
	// Name is for people: "astro project", "values.yaml: worker".
	Name string
	// Kind is the kind of its first file: Process, DotEnv or Dockerfile for
	// an astro project.
	Kind Kind
	// Settings are all of them, those that win first: of two with one name
	// the first counts.
	Settings []*Setting
	// Hosted is set where it runs in a cluster, not on this machine: Helm
	// values, manifests, Deployment files, an image's ENV.
	Hosted bool
	// Open is set where it has variables that the files do not name: those of
	// a whole Secret, ConfigMap or file.
	Open bool

	// byName are the settings that count when there were named of them.
	byName map[string]*Setting
	named  int
}

// Requirement is a Python package that is asked for.
type Requirement struct {
	// Name is normalised as PEP 503 says.
	Name string
	// Spec is the rest: version, markers.
	Spec string
	Span Span
}

// Base is an image that FROM names: "quay.io/astronomer/astro-runtime:13.1.0".
// What it names with an ARG stays as it stands. The zero value is none.
type Base struct {
	Image string
	Span  Span
}

// Layer is where an entry is kept.
type Layer string

// The layers.
const (
	InEnvironment Layer = "environment"
	InDatabase    Layer = "metadata database"
	InStore       Layer = "store"
	InExport      Layer = "export"
)

// Entry is a variable's or connection's content.
type Entry struct {
	Kind airflow.Kind
	ID   string
	// Text is the value, URI or JSON; empty where Fields hold it.
	Text string
	// Fields are the parts of a connection, or of a store's secret, by name.
	Fields map[string]string
	// Known is false where the content is not in the file.
	Known bool
	Layer Layer
	// Store is the service a command writes to: "vault", "ssm",
	// "secretsmanager", "gcp", "azure"; empty otherwise. Remote is the name
	// it is written under there, Kind and ID are empty then.
	Store, Remote string
	// Span is the content, At its name.
	Span, At Span
	// Command is the one that writes it; nil where none does.
	Command *Command
}

// Command is one simple command of a shell script.
type Command struct {
	Words []Word
	// Assigns are NAME=value in front of it, or what export sets.
	Assigns []Word
	Span    Span
	// Comment is the text of a comment on its line.
	Comment string
	// Input is what it reads: a here-document, a here-string, or what echo or
	// printf hands it through a pipe, with the newline that echo adds. Nil
	// where it reads nothing that stands in the script.
	Input *Word
}

// Word is a word of a command.
type Word struct {
	// Text is what the command gets; $NAME and $(...) stay as they are.
	Text string
	// Quoted tells whether quotes stand anywhere in it, Expands whether the
	// shell would fill something in.
	Quoted, Expands bool
	Span            Span
}

// Policy is a grant.
type Policy struct {
	// Service is "vault", "aws", "gcp" or "azure".
	Service string
	// Rules are its parts.
	Rules []Grant
	Span  Span
}

// Grant is one rule of a policy: a path and its capabilities, a resource and
// its actions, or a role. A permission of an Azure vault for something else
// than secrets is "keys/get", "certificates/get".
type Grant struct {
	Deny      bool
	Resources []string
	Actions   []string
	Span      Span
}

// Deployment is a Deployment file of the astro CLI.
type Deployment struct {
	File        *File
	Environment *Environment
}

// Problem is a remark of the reader of one file.
type Problem struct {
	Span Span
	// Rule is the id of the check rule that it amounts to, "" for
	// "unreadable".
	Rule string
	// Text says what is wrong, Hint what to do. Neither holds a value.
	Text, Hint string
}
