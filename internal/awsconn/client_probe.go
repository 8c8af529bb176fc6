package awsconn

import (
	"context"

	"github.com/airlock-secrets/airlock/store"
)

// Calls is that of a store.Prober whose service reads a secret by the
// operation get and lists names by the operation list.
func (c *Client[C]) Calls(get, list string, ask store.Ask, names []string) []store.Call {
	var calls []store.Call
	switch ask {
	case store.AskService:
		calls = c.conn.LoginCalls()
		if len(names) == 0 {
			calls = append(calls, store.Call{Method: list, Name: "one name"})
		}
	case store.AskGet:
		for _, name := range names {
			calls = append(calls, store.Call{Method: get, Name: name})
		}
	case store.AskExplain:
		calls = c.conn.IdentityCalls()
	case store.AskPeek:
		for _, prefix := range names {
			calls = append(calls, store.Call{Method: list, Name: prefix + "*"})
		}
	}
	return calls
}

// Probe is that of a store.Prober, check being its Check. A caller who may
// read but not list is well; where names are asked for, reading them shows all
// there is to see.
func (c *Client[C]) Probe(ctx context.Context, names []string, check func(context.Context) error) error {
	if len(names) > 0 {
		return c.Run(ctx, "check", "", func(context.Context, C) error { return nil })
	}
	err := check(ctx)
	if store.CodeOf(err) == store.Denied {
		return nil
	}
	return err
}

// Explain is that of a store.Prober for a read that is refused: the grant that
// is missing, as Conn.Grant has it, or nil.
func (c *Client[C]) Explain(ctx context.Context, name string, err error, action string, arn func(partition, region, account string) string) *store.Symptom {
	g := c.conn.Grant(ctx, err, action, arn)
	if g == nil {
		return nil
	}
	return g.Symptom(name)
}
