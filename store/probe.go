package store

import "context"

// Call is one request to a service, as a person is told of it before it is
// made.
type Call struct {
	// Method is the service's word: "GET", "LIST", "GetParameter".
	Method string
	// Name is what it is about, in the service's own words.
	Name string
	// When is the condition on which it is made; empty: in any case.
	When string
}

// Ask is a reason to call a service.
type Ask string

// The asks.
const (
	AskService Ask = "service" // Prober.Probe of the names
	AskGet     Ask = "get"     // Store.Get of one name
	AskExplain Ask = "explain" // Prober.Explain of one name
	AskPeek    Ask = "peek"    // Prober.Peek of one prefix
)

// Topic is what a symptom is about.
type Topic string

// The topics.
const (
	TopicClock      Topic = "clock"      // the clocks are apart
	TopicPermission Topic = "permission" // a grant is missing
	TopicMount      Topic = "mount"      // there is no such engine, namespace or vault
	TopicKVVersion  Topic = "kv-version" // the other version of the engine is there
	TopicNoVersion  Topic = "no-version" // the secret is there, no version of it can be read
	TopicToken      Topic = "token"      // the token will not last
	TopicTooWide    Topic = "too-wide"   // the caller may do more than read
)

// Symptom is something that is wrong with a service, or with what a caller may
// do there, in words that hold no value.
type Symptom struct {
	Topic Topic
	// Name is the secret's, as Get takes it; empty: it concerns them all.
	Name string
	// Text says what is wrong, Fix what to paste: the smallest grant, a
	// command, a line of kwargs. Fix may be empty.
	Text, Fix string
	// Mild is set where it does no harm as things are.
	Mild bool
	// Blames is set where it explains why every secret is missing.
	Blames bool
}

// Prober is a Store that can find out why reading fails, or would fail.
type Prober interface {
	Store

	// Calls lists the requests that an ask makes, in order. It asks nothing.
	Calls(ask Ask, names ...string) []Call

	// Probe asks the service how it is, who the caller is and whether they
	// may read names. It reads no secret. An error is the end: the service
	// cannot be reached, or the log-in fails; symptoms may come beside it.
	Probe(ctx context.Context, names []string) ([]Symptom, error)

	// Explain says what an error of Get(name) comes from, nil where the error
	// itself says all there is to say.
	Explain(ctx context.Context, name string, err error) *Symptom

	// Peek returns some of the names that begin with prefix, readable or not,
	// and folders with their slash, from few requests. An error of code
	// Denied says that the caller may not list.
	Peek(ctx context.Context, prefix string) ([]string, error)
}
