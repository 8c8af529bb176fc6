package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// reference is the release whose behaviour is reproduced.
const reference = "apache-airflow 3.3.2"

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and the Airflow release it follows",
		Args:  args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			a.println(fmt.Sprintf("airlock %s (%s, %s/%s), follows %s",
				buildVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH, reference))
			return nil
		},
	}
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "development"
	}
	return info.Main.Version
}
