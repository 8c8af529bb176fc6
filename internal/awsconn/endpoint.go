package awsconn

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/airlock-secrets/airlock/internal/excerpt"
)

// validRegion is botocore's validate_region_name.
func validRegion(name string) bool {
	return regexp.MustCompile(`^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`).MatchString(name) && strings.Trim(name, "0123456789") != ""
}

// checkRegion refuses no region, and what can be none.
func checkRegion(region string) error {
	switch {
	case region == "":
		return failed("NoRegionError", "You must specify a region.",
			"set the kwarg region_name or AWS_DEFAULT_REGION; AWS_REGION is not read, by Airflow neither")
	case !validRegion(region):
		return failed("InvalidRegionError", fmt.Sprintf("Provided region_name '%s' doesn't match a supported format.", clip(region)),
			"write it like eu-west-3")
	}
	return nil
}

// checkEndpoint refuses what botocore does not take for a URL.
func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return failed("ValueError", fmt.Sprintf("Invalid endpoint: %s", excerpt.Address(endpoint)), "give endpoint_url the form https://HOST:PORT")
	}
	return nil
}
