package store

import "fmt"

// MaxVersions is how many versions one call of a Versioner names at most.
const MaxVersions = 100

// DistinctVersions returns versions without those that come a second time. It
// is Invalid for more than MaxVersions, also where some are the same.
func DistinctVersions(versions []int64) ([]int64, error) {
	if len(versions) > MaxVersions {
		return nil, &Error{Op: "choose versions", Code: Invalid,
			Err:  fmt.Errorf("%d versions in one request, more than %d", len(versions), MaxVersions),
			Hint: fmt.Sprintf("name at most %d versions in one request", MaxVersions)}
	}
	seen := make(map[int64]bool, len(versions))
	distinct := make([]int64, 0, len(versions))
	for _, v := range versions {
		if !seen[v] {
			seen[v] = true
			distinct = append(distinct, v)
		}
	}
	return distinct, nil
}
