// Package redact takes what a run must not show out of the words of services.
//
// A service may repeat in an error what it was sent: the token of a header, a
// password, a value that is written. A [Set] holds the secret texts of one
// run, and [Set.Text] is how a service's words are shown: without any of them,
// without control characters, on one line, at most [Longest] characters.
//
// The rule. Two kinds of text are secret:
//
//   - credentials: every kwarg but those of [Shown], variables that are named
//     like one ([CredentialName]), user information of URLs, and the headers
//     of requests ([Set.Transport]). They are removed from 4 characters on. The
//     words true, false, null and none are no secrets.
//   - payloads: what a store gave or is given, and the bodies of requests. They
//     are removed from 6 characters on; those of less than 8 only where they
//     are a word of their own, so that not half of every word goes.
//
// [Set.Mask] is for airlock's own words, such as names and hints, which a
// service has part in. It removes credentials only, from 6 characters on, and
// leaves words that everybody knows: root, airflow, postgres.
//
// Of JSON, URLs and texts of several lines each part counts as well. A text
// that a service cut short is removed from 8 characters of a credential on,
// and from 16 of a payload, from its beginning or to its end; the beginning of
// a URL counts from its path on. Capitals count as small letters. All of this
// holds also where the service has split the text over lines or encoded it: as base64 of either
// alphabet and any alignment, hexadecimal, URL-encoded, escaped as in JSON or
// as in HTML, and one in another.
//
// What cannot be removed is what nobody knows: a value that a service shows
// and never gave as an answer.
package redact

// Mark stands where something was removed. It is shorter than any text that is
// removed, so that it can hold none.
const Mark = "***"

// Longest is how many characters of a service's words are shown.
const Longest = 500

// Bounds of what is removed, in bytes.
const (
	leastCredential = 4
	leastMasked     = 6 // of a credential in airlock's own words
	leastPayload    = 6
	leastInWords    = 8 // a payload from here on is removed inside of words too
	partCredential  = 8
	partPayload     = 16
)
