package awsconn

import (
	"maps"
	"slices"
)

// Kwargs are the kwargs that have a meaning for the connection
// (AwsConnectionWrapper, SessionFactory and the backends' own use_ssl and
// api_version), sorted. The classes take any other without a word.
func Kwargs() []string { return slices.Sorted(maps.Keys(known)) }
