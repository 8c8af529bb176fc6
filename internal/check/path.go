package check

import (
	"context"

	"github.com/airlock-secrets/airlock/internal/dagscan"
	"github.com/airlock-secrets/airlock/internal/project"
)

// Path reads what stands at a path, DAGs included, and applies all rules. It
// fails where the path is not there or reading was interrupted.
func Path(ctx context.Context, o project.Options) ([]Finding, error) {
	p, dags, err := Read(ctx, o)
	if err != nil {
		return nil, err
	}
	return Run(ctx, p, dags), nil
}

// Read reads a project and what its DAGs ask for.
func Read(ctx context.Context, o project.Options) (*project.Project, *dagscan.Result, error) {
	p, err := project.Read(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	var files []string
	for _, f := range p.Files {
		if f.Kind == project.DAG {
			files = append(files, f.Path)
		}
	}
	if len(files) == 0 {
		return p, &dagscan.Result{}, nil
	}
	dags, err := dagscan.Scan(ctx, dagscan.Options{Dir: p.Dir, Files: files, Environ: o.Environ, Budget: dagscan.Budget{Bytes: max(p.Left, 1)}})
	if err != nil {
		return nil, nil, err
	}
	return p, dags, nil
}
