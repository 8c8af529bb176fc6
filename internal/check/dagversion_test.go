package check

import (
	"testing"

	"github.com/airlock-secrets/airlock/internal/project"
)

func TestOnlyTwo(t *testing.T) {
	tests := []struct {
		dockerfile, spec string
		want             bool
	}{
		{"", "", false},
		{"FROM quay.io/astronomer/astro-runtime:12.4.0\n", "", true},
		{"FROM quay.io/astronomer/astro-runtime:13.1.0-base\n", "", true},
		{"from --platform=linux/amd64 quay.io/astronomer/astro-runtime:4.2.6\n", "", true},
		{"FROM astrocrpublic.azurecr.io/runtime:3.1-3\n", "", false},
		{"FROM apache/airflow:2.10.4-python3.11\n", "", true},
		{"FROM apache/airflow:slim-2.11.0\n", "", true},
		{"FROM apache/airflow:3.1.0\n", "", false},
		{"FROM apache/airflow:latest\n", "", false},
		{"FROM python:2.7\n", "", false},
		{"FROM apache/airflow:2.9.0 AS build\nFROM astrocrpublic.azurecr.io/runtime:3.0-1\n", "", false},
		{"", "==2.11.0", true},
		{"", "~=2.9", true},
		{"", ">=2.9", false},
		{"FROM apache/airflow:2.9.0\n", "==3.1.0", false},
	}
	for _, test := range tests {
		p := &project.Project{Files: []*project.File{{Path: "Dockerfile", Kind: project.Dockerfile, Text: test.dockerfile}}}
		if test.spec != "" {
			p.Requirements = []project.Requirement{{Name: "apache-airflow", Spec: test.spec}}
		}
		if got := onlyTwo(p); got != test.want {
			t.Errorf("onlyTwo of %q, apache-airflow%s = %t", test.dockerfile, test.spec, got)
		}
	}
}
