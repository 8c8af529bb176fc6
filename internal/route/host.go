package route

import (
	"errors"
	"net"
)

// NoSuchHost reports whether err is the resolver's word that a host's name does
// not exist. A request that failed so is not sent again: the answer would be the
// same. A resolver that does not answer, or answers that it cannot say now
// (EAI_AGAIN, SERVFAIL), is no such word: the name may be found a moment later,
// and the request is sent again as the provider's client sends it.
func NoSuchHost(err error) bool {
	var lookup *net.DNSError
	return errors.As(err, &lookup) && lookup.IsNotFound && !lookup.IsTemporary && !lookup.IsTimeout
}
