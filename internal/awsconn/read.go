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

// limited is a body that fails once it has given more than limit bytes.
type limited struct {
	io.ReadCloser
	limit, left int64
}

func limit(body io.ReadCloser, most int64) io.ReadCloser {
	return &limited{ReadCloser: body, limit: most, left: most}
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		var one [1]byte
		n, err := l.ReadCloser.Read(one[:])
		if n > 0 {
			return 0, &tooLargeError{l.limit}
		}
		return 0, err
	}
	n, err := l.ReadCloser.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}
