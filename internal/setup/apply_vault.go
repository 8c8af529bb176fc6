package setup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/openbao/openbao/api/v2"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// applyVault does what vaultSteps says, with the token of VAULT_TOKEN at
// VAULT_ADDR, or at the address that Airflow gets.
func applyVault(ctx context.Context, p *Plan, admin *Admin) error {
	a := p.Answers
	client, err := vaultClient(a, admin)
	if err != nil {
		return err
	}
	v := &vaultAdmin{ctx: ctx, client: client, answers: a, Admin: admin}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"turn on the KV engine", v.mount}, {"write the policy", v.policy}, {"make the log-in", func() error { return v.login(p) }},
	} {
		if err := step.do(); err != nil {
			return vaultError(step.what, client.Address(), err)
		}
	}
	kwargs := p.Kwargs.Clone()
	for _, name := range []string{"role_id", "secret_id", "kubernetes_role"} {
		kwargs.Delete(name)
	}
	kwargs.Set("url", client.Address())
	kwargs.Set("auth_type", "token")
	kwargs.Set("token", client.Token())
	return p.plant(ctx, kwargs, admin)
}

func vaultClient(a Answers, admin *Admin) (*api.Client, error) {
	token := admin.getenv("VAULT_TOKEN")
	if token == "" {
		return nil, &store.Error{Op: "set up Vault", Code: store.Unauthenticated, Err: errors.New("VAULT_TOKEN is not set"),
			Hint: "set it to a token that may write policies and mounts, for this one command; VAULT_ADDR names the server where it is not reached at the address that Airflow gets"}
	}
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, errors.New("the VAULT_* variables of the environment do not make a client")
	}
	config.Address = cmp.Or(admin.getenv("VAULT_ADDR"), a["url"])
	config.MaxRetries = 1
	client, err := api.NewClient(config)
	if err != nil {
		return nil, fmt.Errorf("making a client of Vault: %w", err)
	}
	config.HttpClient.Transport = admin.Env.Secrets.Transport(sameServer{config.HttpClient.Transport})
	client.SetToken(token)
	client.SetNamespace(cmp.Or(a["namespace"], admin.getenv("VAULT_NAMESPACE")))
	return client, nil
}

// sameServer refuses to be redirected to another server: the client would send
// it the administrator's token.
type sameServer struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (s sameServer) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	to, err := answer.Location()
	if err != nil || answer.StatusCode/100 != 3 || to.Scheme == r.URL.Scheme && to.Host == r.URL.Host {
		return answer, nil
	}
	return nil, errors.Join(&store.Error{Op: "set up Vault", Store: "vault " + r.URL.Host, Code: store.Invalid,
		Err: errors.New("the server sends the request on to another one, " + excerpt.Name(to.Host)), Hint: "set VAULT_ADDR to the address of that server"},
		answer.Body.Close())
}

// vaultError gives an error of the client a code. Its text names paths and
// policies, never a token.
func vaultError(what, address string, err error) error {
	var answer *api.ResponseError
	if !errors.As(err, &answer) {
		var coded *store.Error
		if errors.As(err, &coded) {
			return coded
		}
		return &store.Error{Op: what, Store: "vault " + address, Code: store.Unavailable, Err: errors.New("the server does not answer"),
			Hint: "set VAULT_ADDR to where it is reached from here"}
	}
	e := &store.Error{Op: what, Store: "vault " + address, Code: store.Invalid,
		Err: errors.New(cmp.Or(strings.Join(answer.Errors, "; "), fmt.Sprintf("status %d", answer.StatusCode)))}
	if answer.StatusCode == http.StatusForbidden {
		e.Code, e.Hint = store.Denied, "use a token in VAULT_TOKEN that may do this, or hand "+Folder+"/setup.sh to somebody who may"
	}
	return e
}

type vaultAdmin struct {
	ctx     context.Context
	client  *api.Client
	answers Answers
	*Admin
}

func (v *vaultAdmin) mount() error {
	mounts, err := v.client.Sys().ListMountsWithContext(v.ctx)
	if err != nil {
		return err
	}
	path, version := v.answers["mount-point"], v.answers["kv-engine-version"]
	if m, ok := mounts[path+"/"]; ok {
		have := cmp.Or(m.Options["version"], "1")
		if m.Type != "kv" || have != version {
			return &store.Error{Op: "turn on the KV engine", Name: path, Code: store.Conflict,
				Err:  fmt.Errorf("at %q there is an engine %s of version %s", path, m.Type, have),
				Hint: "answer --kv-engine-version " + have + ", or another --mount-point"}
		}
		v.Say(fmt.Sprintf("the KV engine at %s is there", path))
		return nil
	}
	err = v.client.Sys().MountWithContext(v.ctx, path, &api.MountInput{Type: "kv", Options: map[string]string{"version": version}})
	if err == nil {
		v.Say(fmt.Sprintf("the KV engine at %s is turned on", path))
	}
	return err
}

func (v *vaultAdmin) policy() error {
	name, want := v.answers["role"], vaultPolicy(v.answers)
	have, err := v.client.Sys().GetPolicyWithContext(v.ctx, name)
	switch {
	case err == nil && have == want:
		v.Say(fmt.Sprintf("the policy %s is there", name))
		return nil
	case err == nil && have != "":
		return &store.Error{Op: "write the policy", Name: name, Code: store.Conflict, Err: errors.New("there is another policy of this name"),
			Hint: "answer another --role, or delete that policy"}
	case err != nil:
		return err
	}
	if err := v.client.Sys().PutPolicyWithContext(v.ctx, name, want); err != nil {
		return err
	}
	v.Say(fmt.Sprintf("the policy %s is written", name))
	return nil
}

func (v *vaultAdmin) login(p *Plan) error {
	switch v.answers["auth-type"] {
	case "approle":
		return v.appRole(p)
	case "kubernetes":
		namespace, name, _ := strings.Cut(v.answers["service-account"], "/")
		return v.role("kubernetes", map[string]any{"token_policies": v.answers["role"], "token_ttl": "20m",
			"bound_service_account_names": name, "bound_service_account_namespaces": namespace})
	}
	if v.Keep {
		return nil
	}
	made, err := v.client.Auth().Token().CreateWithContext(v.ctx, &api.TokenCreateRequest{
		Policies: []string{v.answers["role"]}, Period: "24h", NoParent: true, DisplayName: "airflow"})
	if err != nil {
		return err
	}
	p.Kwargs.Set("token", made.Auth.ClientToken)
	p.Todo = nil
	v.Say("a token for Airflow is made")
	return nil
}

// role turns an auth method on and writes the role.
func (v *vaultAdmin) role(method string, role map[string]any) error {
	methods, err := v.client.Sys().ListAuthWithContext(v.ctx)
	if err != nil {
		return err
	}
	if _, ok := methods[method+"/"]; !ok {
		if err := v.client.Sys().EnableAuthWithOptionsWithContext(v.ctx, method, &api.EnableAuthOptions{Type: method}); err != nil {
			return err
		}
		v.Say("the auth method " + method + " is turned on")
	}
	_, err = v.client.Logical().WriteWithContext(v.ctx, "auth/"+method+"/role/"+v.answers["role"], role)
	if err == nil {
		v.Say(fmt.Sprintf("the role %s of %s is written", v.answers["role"], method))
	}
	return err
}

// appRole makes the role and, where the project has no log-in yet, a secret id.
func (v *vaultAdmin) appRole(p *Plan) error {
	err := v.role("approle", map[string]any{"token_policies": v.answers["role"], "token_ttl": "20m", "token_max_ttl": "1h", "secret_id_ttl": "2160h"})
	if err != nil || v.Keep {
		return err
	}
	path := "auth/approle/role/" + v.answers["role"]
	role, err := v.client.Logical().ReadWithContext(v.ctx, path+"/role-id")
	if err != nil {
		return err
	}
	secret, err := v.client.Logical().WriteWithContext(v.ctx, path+"/secret-id", nil)
	if err != nil {
		return err
	}
	if role == nil || secret == nil {
		return errors.New("the server gave out no role id and secret id")
	}
	p.Kwargs.Set("role_id", role.Data["role_id"])
	p.Kwargs.Set("secret_id", secret.Data["secret_id"])
	p.Todo = nil
	v.Say("a secret id for Airflow is made; it ends after 90 days")
	return nil
}
