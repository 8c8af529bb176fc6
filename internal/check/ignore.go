package check

import "github.com/airlock-secrets/airlock/internal/project"

func withoutIgnored(_ *project.Project, found []Finding) []Finding { return found }
