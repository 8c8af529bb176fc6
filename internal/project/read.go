package project

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// reader reads one project.
type reader struct {
	options Options
	folder  *folder
	project *Project
	// astro are the settings of the astro project by source.
	astro astro
	// containers and objects are put together once all files are known,
	// because one file may refer to another.
	containers []container
	objects    objects
	composes   []composeService
	// order is the place of each file in Files.
	order map[*File]int
}

func read(ctx context.Context, o Options) (*Project, error) {
	path := cmp.Or(o.Path, ".")
	full, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("finding the project: %w", err)
	}
	info, err := os.Stat(full)
	if err != nil {
		return nil, fmt.Errorf("reading the project: %w", err)
	}
	dir, single := full, ""
	if !info.IsDir() {
		dir, single = filepath.Split(full)
		dir = filepath.Clean(dir)
	}
	folder, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the project: %w", err)
	}
	defer folder.close()
	r := &reader{options: o, folder: folder, project: &Project{Dir: dir, Config: o.Config}, order: map[*File]int{}}
	if o.Process {
		r.process()
	}
	files, err := folder.list(ctx, single)
	if err != nil {
		return nil, fmt.Errorf("reading the project: %w", err)
	}
	r.files(ctx, files)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading the project: %w", err)
	}
	r.finish()
	r.project.Left = int64(folder.left)
	r.git(ctx)
	return r.project, nil
}

// files reads what was listed, in the order of the paths.
func (r *reader) files(ctx context.Context, files []listed) {
	slices.SortFunc(files, func(a, b listed) int { return cmp.Compare(a.path, b.path) })
	for _, l := range files {
		if ctx.Err() != nil {
			return
		}
		f := &File{Path: l.path, Kind: l.kind}
		if l.kind == DAG {
			r.keep(f)
			continue
		}
		text, remark := r.folder.read(l)
		if remark != "" {
			rule, hint := "", ""
			if remark == tooMuch {
				rule, hint = "unchecked", "name a smaller folder"
			}
			if l.certain || rule != "" {
				r.keep(f)
				r.problem(Span{File: f}, rule, "the file is not read: "+remark, hint)
			}
			continue
		}
		f.Text = text
		r.file(f, l)
	}
	for _, remark := range r.folder.remarks {
		rule, hint := "unchecked", "name a smaller folder"
		if strings.HasSuffix(remark, "cannot be read") {
			rule, hint = "", ""
		}
		r.problem(Span{}, rule, remark, hint)
	}
}

// file reads a file as what it is. One that is nothing of a project is not
// kept.
func (r *reader) file(f *File, l listed) {
	switch f.Kind {
	case DotEnv:
		r.keep(f)
		r.dotenv(f)
	case Dockerfile:
		r.keep(f)
		r.dockerfile(f)
	case AirflowConfig:
		r.keep(f)
		r.config(f)
	case RequirementList:
		r.keep(f)
		r.requirements(f)
	case AirlockConfig, Ignore, DAG, Process:
		r.keep(f)
	default:
		r.other(f, l)
	}
}

func (r *reader) keep(f *File) {
	r.order[f] = len(r.project.Files)
	r.project.Files = append(r.project.Files, f)
}

func (r *reader) problem(at Span, rule, text, hint string) {
	r.project.Problems = append(r.project.Problems, Problem{Span: at, Rule: rule, Text: text, Hint: hint})
}

// finish puts together what several files say.
func (r *reader) finish() {
	p := r.project
	if env := r.astro.environment(); env != nil {
		p.Environments = append([]*Environment{env}, p.Environments...)
	}
	r.containerEnvironments()
	r.composeEnvironments()
	r.entriesOfEnvironments()
	r.writes()
	r.index()
	slices.SortStableFunc(p.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(r.place(a.Span), r.place(b.Span)), cmp.Compare(a.Span.Start, b.Span.Start))
	})
}

// index makes what is found easy to find again.
func (r *reader) index() {
	open := map[*File]bool{}
	for _, f := range r.project.Files {
		f.index()
		open[f] = f.Kind != Process && wholesale.MatchString(f.Text)
	}
	for _, env := range r.project.Environments {
		env.index(open)
	}
}

func (r *reader) place(s Span) int {
	if s.File == nil {
		return -1
	}
	return r.order[s.File]
}
