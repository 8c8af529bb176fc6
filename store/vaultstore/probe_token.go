package vaultstore

import (
	"fmt"
	"slices"
	"time"

	"github.com/airlock-secrets/airlock/internal/wire/vault"
	"github.com/airlock-secrets/airlock/store"
)

// self looks at the token.
func (p *probe) self() error {
	var t vault.TokenInfo
	seen, err := p.ask("GET", "auth/token/lookup-self", nil, &t)
	if err != nil || !seen {
		return err
	}
	p.policies = t.Policies
	given := p.s.auth.Name() == "token"
	if slices.Contains(t.Policies, "root") {
		p.add(store.Symptom{Topic: store.TopicTooWide, Text: "the token is a root token: who reads it may do everything on this server",
			Fix: "give Airflow a log-in with this policy alone:\n" + p.s.stanzas(p.names)})
	}
	left := time.Duration(t.TTL) * time.Second
	if given && t.ExpireTime != nil && left < soon {
		fix := "vault token create -period=768h -policy=POLICY"
		if t.Renewable {
			fix = "vault token renew, or a token that lasts:\n" + fix
		}
		p.add(store.Symptom{Topic: store.TopicToken, Fix: fix,
			Text: fmt.Sprintf("the token ends in %v, and with auth_type token Airflow neither renews it nor gets another", left.Round(time.Minute))})
	}
	if given && t.NumUses > 0 {
		p.add(store.Symptom{Topic: store.TopicToken, Fix: "vault token create -period=768h -policy=POLICY",
			Text: fmt.Sprintf("the token may be used %d times more, and each read is one", t.NumUses)})
	}
	return nil
}

// soon is how long before its end a token is worth a word.
const soon = 24 * time.Hour
