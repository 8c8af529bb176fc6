package awsconn

import (
	"fmt"
	"io"
)

// tooLargeError says that something from outside is larger than anything
// that is meant to be there.
type tooLargeError struct{ limit int64 }

func (e *tooLargeError) Error() string { return fmt.Sprintf("it is larger than %d bytes", e.limit) }

// readAtMost reads r and fails where it holds more than limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		return nil, &tooLargeError{limit}
	}
	return b, err
}
