package client

import "context"

// Reload reads the clients anew, after another process changed the store. What
// was revoked or given other credentials ends at once, with its leases. When
// the store cannot be read everything stays as it was.
func (r *Registry) Reload(ctx context.Context) error {
	r.changes.Lock()
	defer r.changes.Unlock()
	fresh, err := Open(ctx, r.store, &r.opts)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, hash := range r.suspended {
		if now := fresh.clients[name]; now != nil && now.TokenHash == hash {
			fresh.unindex(now)
		} else {
			delete(r.suspended, name)
		}
	}
	for name, old := range r.clients {
		now, ok := fresh.clients[name]
		if !ok || now.TokenHash != old.TokenHash || now.SecretHash != old.SecretHash {
			r.unindex(old)
		}
	}
	for d, l := range r.leases {
		// Requests hold on to the old session: it is replaced, not changed.
		next := *l.session
		next.client = fresh.clients[next.client.Name]
		next.Principal = next.client.session.Principal
		fresh.leases[d] = &lease{hash: l.hash, session: &next}
	}
	r.clients, r.tokens, r.roles, r.leases = fresh.clients, fresh.tokens, fresh.roles, fresh.leases
	return nil
}
