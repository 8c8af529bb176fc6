package check

import (
	"strconv"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
	"github.com/airlock-secrets/airlock/internal/project"
)

var (
	fromImage  = lazyregexp.New(`(?im)^[ \t]*FROM[ \t]+(?:--platform=\S+[ \t]+)?(\S+?):(?:slim-)?v?(\d+)[.\d]*`)
	pinnedMain = lazyregexp.New(`^\s*[=~]=\s*(\d+)`)
)

// lastRuntimeOfTwo is the last major version of the Astro Runtime whose Airflow
// is a 2; after it they are counted as Airflow's own are.
const lastRuntimeOfTwo = 13

// onlyTwo tells whether the project says that its Airflow is a 2: by the image
// of its Dockerfile or the version in requirements.txt.
func onlyTwo(p *project.Project) bool {
	for _, r := range p.Requirements {
		if r.Name == "apache-airflow" {
			if m := pinnedMain.FindStringSubmatch(r.Spec); m != nil {
				return m[1] == "2"
			}
		}
	}
	two := false
	for _, f := range p.Files {
		if f.Kind != project.Dockerfile {
			continue
		}
		for _, m := range fromImage.FindAllStringSubmatch(f.Text, -1) {
			if major, err := strconv.Atoi(m[2]); err == nil && isAirflowImage(m[1]) {
				two = major == 2 || strings.HasSuffix(m[1], "runtime") && major > 3 && major <= lastRuntimeOfTwo
			}
		}
	}
	return two
}

// isAirflowImage tells whether the tag of an image begins with a version of
// Airflow or of the Astro Runtime.
func isAirflowImage(name string) bool {
	last := name[strings.LastIndexByte(name, '/')+1:]
	return last == "runtime" || last == "astro-runtime" || last == "airflow" || last == "ap-airflow"
}
