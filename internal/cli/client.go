package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/airlock-secrets/airlock/airflow/pyjson"
	"github.com/airlock-secrets/airlock/internal/acl"
	"github.com/airlock-secrets/airlock/internal/client"
	"github.com/airlock-secrets/airlock/internal/server"
	"github.com/airlock-secrets/airlock/store"
	"github.com/airlock-secrets/airlock/store/sqlstore"
)

// client manages who may ask the daemon. While one runs, the changes reach it
// through its socket and count at once.
func (a *app) client() *cobra.Command {
	return group("client", "Manage who may ask the daemon", a.clientAdd(), a.clientList(),
		a.clientExtend(), a.clientRotate(), a.clientRevoke())
}

func (a *app) clientAdd() *cobra.Command {
	spec := client.Spec{Deployment: server.Deployment}
	var (
		write bool
		ttl   time.Duration
	)
	c := &cobra.Command{
		Use:   "add NAME",
		Short: "Let a client read, and print its credentials once",
		Long: `Let a client read every secret of the deployment, and print its credentials. Only
their hashes are kept: what is printed here is not shown again.`,
		Example: `  airlock client add airflow
  airlock client add airflow --approle`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			spec.Name = list[0]
			if write {
				spec.Rules = []acl.Rule{{Actions: []acl.Action{acl.Read, acl.List, acl.Write, acl.Delete}}}
			}
			var err error
			if spec.Expires, err = expiry(ttl); err != nil {
				return err
			}
			return a.withClients(c.Context(), func(ctx context.Context, r *client.Registry) error {
				return a.credentials(r.Create(ctx, spec))
			})
		},
	}
	c.Flags().BoolVar(&spec.AppRole, "approle", false, "also give it a role id and a secret id")
	c.Flags().BoolVar(&write, "write", false, "also let it list, write and delete")
	ttlFlag(c, &ttl)
	return c
}

func ttlFlag(c *cobra.Command, to *time.Duration) {
	c.Flags().DurationVar(to, "ttl", 0, "how `long` the client is good for; 0 is for ever")
}

// expiry is when a client ends that is good for ttl from now.
func expiry(ttl time.Duration) (time.Time, error) {
	switch {
	case ttl < 0:
		return time.Time{}, usageError{msg: "--ttl is below zero", hint: "0 is for ever"}
	case ttl == 0:
		return time.Time{}, nil
	}
	return time.Now().Add(ttl), nil
}

func (a *app) clientExtend() *cobra.Command {
	var ttl time.Duration
	c := &cobra.Command{
		Use:   "extend NAME --ttl LONG",
		Short: "Set how long a client is good for, from now",
		Long: `Set how long a client is good for, from now. Its credentials stay. A client that has
expired is good again; nothing else lets it in, also where the clock is set back.`,
		Example: `  airlock client extend airflow --ttl 720h
  airlock client extend airflow --ttl 0`,
		Args: args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			if !c.Flags().Changed("ttl") {
				return usageError{msg: "--ttl is missing", hint: "say how long the client is good for, as 24h; 0 is for ever"}
			}
			expires, err := expiry(ttl)
			if err != nil {
				return err
			}
			return a.withClients(c.Context(), func(ctx context.Context, r *client.Registry) error {
				return r.Extend(ctx, list[0], expires)
			})
		},
	}
	ttlFlag(c, &ttl)
	return c
}

func (a *app) clientRotate() *cobra.Command {
	return &cobra.Command{
		Use:   "rotate NAME",
		Short: "Give a client new credentials; the old ones end at once",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return a.rotate(c.Context(), list[0])
		},
	}
}

func (a *app) clientRevoke() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "Take a client's access away at once",
		Args:  args(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, list []string) error {
			return a.revoke(c.Context(), list[0])
		},
	}
}

func (a *app) clientList() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the clients, without their credentials",
		Long: `List the clients, without their credentials. The state of a client is good, expired
(until it is extended), or damaged: its record cannot be used, and it is refused.`,
		Args: args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			return a.withClients(c.Context(), func(_ context.Context, r *client.Registry) error {
				var rows []*pyjson.Object
				for _, info := range r.List() {
					rows = append(rows, clientRow(info))
					if info.Damage != nil {
						a.say("airlock: %v\nhint: %s", info.Damage, store.Hint(info.Damage))
					}
				}
				return a.print(output, rows, nil)
			})
		},
	}
	outputFlag(c, &output, "table", "table", "json", "yaml", "plain")
	return c
}

func clientRow(info client.Info) *pyjson.Object {
	o := pyjson.NewObject()
	o.Set("name", client.Shown(info.Name))
	if info.Damage != nil {
		for _, unknown := range []string{"created", "expires", "approle"} {
			o.Set(unknown, nil)
		}
		o.Set("state", "damaged")
		return o
	}
	o.Set("created", info.Created.UTC().Format(time.RFC3339))
	o.Set("expires", nil)
	if !info.Expires.IsZero() {
		o.Set("expires", info.Expires.UTC().Format(time.RFC3339))
	}
	o.Set("approle", info.RoleID != "")
	o.Set("state", "good")
	if info.Expired {
		o.Set("state", "expired")
	}
	return o
}

// credentials prints what a client logs in with, one a line.
func (a *app) credentials(c *client.Credentials, err error) error {
	if c == nil {
		return err
	}
	a.println("token " + c.Token)
	if c.RoleID != "" {
		a.println("role_id " + c.RoleID)
		a.println("secret_id " + c.SecretID)
	}
	if err != nil { // they are stored, and nobody can show them again
		return errors.Join(err, a.flush())
	}
	return nil
}

func (a *app) withClients(ctx context.Context, do func(context.Context, *client.Registry) error) error {
	return a.withClientStore(ctx, func(s store.Store) error { return onRegistry(ctx, s, do) })
}

func (a *app) withClientStore(ctx context.Context, do func(store.Store) error) error {
	s, err := a.openEmbedded(ctx, sqlstore.SystemNamespace, true)
	if err != nil {
		return err
	}
	err = do(s)
	if cerr := s.Close(); err == nil {
		err = cerr
	}
	return err
}

func onRegistry(ctx context.Context, s store.Store, do func(context.Context, *client.Registry) error) error {
	r, err := client.Open(ctx, s, nil)
	if err != nil {
		return err
	}
	return do(ctx, r)
}
