// Command airlock stands between Apache Airflow and the stores its secrets
// live in: it resolves, serves, keeps and explains them.
package main

import (
	"os"

	"github.com/airlock-secrets/airlock/internal/cli"
)

func main() { os.Exit(cli.Main(cli.Process())) }
