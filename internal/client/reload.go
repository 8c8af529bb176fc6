package client

import "context"

// Reload reads the clients anew, after another process changed the store. What
// was revoked or given other credentials ends at once, with its leases. When
// the store cannot be read everything stays as it was.
func (r *Registry) Reload(ctx context.Context) error {
	r.changes.Lock()
	defer r.changes.Unlock()
	return r.reload(ctx)
}

// reload is Reload for a caller who holds changes.
func (r *Registry) reload(ctx context.Context) error {
	fresh := newRegistry(r.store, r.opts)
	if err := fresh.read(ctx); err != nil {
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
		if ok {
			now.outlives(old)
		}
		if !ok || now.TokenHash != old.TokenHash || now.SecretHash != old.SecretHash || now.Ended {
			r.leases.endAll(name)
		}
	}
	for _, l := range r.leases.all {
		// Requests hold on to the old session: it is replaced, not changed.
		next := *l.session
		next.Principal = fresh.clients[next.client].session.Principal
		l.session = &next
	}
	r.clients, r.tokens, r.roles, r.damaged = fresh.clients, fresh.tokens, fresh.roles, fresh.damaged
	return nil
}
