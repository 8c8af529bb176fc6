package gcpstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	iampb "cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/airlock-secrets/airlock/store"
)

var _ store.Prober = (*Store)(nil)

// reading is the permission that a reader needs; more are permissions that it
// does not need.
const reading = "secretmanager.versions.access"

func more() []string {
	return []string{"secretmanager.versions.add", "secretmanager.versions.destroy", "secretmanager.secrets.delete", "secretmanager.secrets.setIamPolicy"}
}

func (s *Store) resource(name string) string { return "projects/" + s.project + "/secrets/" + name }

// Calls implements store.Prober.
func (s *Store) Calls(ask store.Ask, names ...string) []store.Call {
	var calls []store.Call
	add := func(method, name, when string) {
		calls = append(calls, store.Call{Method: method, Name: name, When: when})
	}
	switch ask {
	case store.AskService:
		if _, signs := s.credentials.account.(*serviceAccount); !signs {
			add("POST", "token of the Google account", "")
		}
		if len(names) == 0 {
			add("ListSecrets", "projects/"+s.project, "")
			break
		}
		add("TestIamPermissions", s.resource(names[0]), "")
	case store.AskGet:
		for _, name := range names {
			add("AccessSecretVersion", s.Locate(name), "")
		}
	case store.AskExplain:
		for _, name := range names {
			add("GetSecret", s.resource(name), "it is not found")
		}
	case store.AskPeek:
		add("ListSecrets", "projects/"+s.project, "")
	}
	return calls
}

// Probe implements store.Prober; nothing is asked twice. Which permissions there are is asked for one
// name; a service that does not tell is well.
func (s *Store) Probe(ctx context.Context, names []string) ([]store.Symptom, error) {
	if len(names) == 0 || s.broken != nil {
		return nil, s.answers(ctx)
	}
	var res *iampb.TestIamPermissionsResponse
	resource := s.resource(names[0])
	err := s.run(ctx, "check", names[0], func(ctx context.Context, _ string) error {
		return s.write(ctx, resource, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) (err error) {
			res, err = c.TestIamPermissions(ctx, &iampb.TestIamPermissionsRequest{Resource: resource, Permissions: append(more(), reading)}, o...)
			return err
		})
	})
	switch store.CodeOf(err) {
	case "":
	case store.Unavailable, store.Unauthenticated, store.Throttled, store.Corrupt:
		return nil, err
	default:
		return nil, nil // reading the name shows what is wrong
	}
	var may []string
	for _, permission := range res.GetPermissions() {
		if permission != reading {
			may = append(may, permission)
		}
	}
	if len(may) == 0 {
		return nil, nil
	}
	return []store.Symptom{{Topic: store.TopicTooWide, Fix: s.binding(names[0]),
		Text: fmt.Sprintf("the account may also do %s on %s: Airflow only needs %s", strings.Join(may, ", "), resource, reading)}}, nil
}

// answers lists a single name. A caller who may not is well.
func (s *Store) answers(ctx context.Context) error {
	err := s.run(ctx, "check", "", func(ctx context.Context, parent string) error {
		return s.write(ctx, parent, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) error {
			_, err := c.ListSecrets(ctx, &secretmanagerpb.ListSecretsRequest{Parent: parent, PageSize: 1}, o...)
			return err
		})
	})
	if store.CodeOf(err) == store.Denied && !disabledAPI(err) {
		return nil
	}
	return err
}

// binding is the command of the smallest grant.
func (s *Store) binding(name string) string {
	return fmt.Sprintf("gcloud secrets add-iam-policy-binding %s --project=%s --member=%s --role=roles/secretmanager.secretAccessor", name, s.project, s.member())
}

// member is who asks, as a binding has it. The metadata server is not asked.
func (s *Store) member() string {
	email := ""
	switch a := s.credentials.account.(type) {
	case *serviceAccount:
		email = a.email
	case *impersonated:
		email = a.target
	case *externalAccount:
		email = a.email()
	}
	if email == "" {
		return "serviceAccount:EMAIL"
	}
	return "serviceAccount:" + email
}

// Explain implements store.Prober. A secret that is not found may be there
// without a version.
func (s *Store) Explain(ctx context.Context, name string, err error) *store.Symptom {
	var called *CallError
	if !errors.As(err, &called) || called.HTTP != 0 {
		return nil
	}
	switch called.Code {
	case codes.PermissionDenied:
		if disabledAPI(err) {
			return &store.Symptom{Topic: store.TopicPermission, Fix: "gcloud services enable secretmanager.googleapis.com --project=" + s.project, Blames: true,
				Text: fmt.Sprintf("the project %s has not switched Secret Manager on", s.project)}
		}
		return &store.Symptom{Topic: store.TopicPermission, Name: name, Fix: s.binding(name),
			Text: fmt.Sprintf("%s may not do %s on %s, or it does not exist: Google answers both alike", s.member(), reading, s.resource(name))}
	case codes.FailedPrecondition:
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name,
			Text: fmt.Sprintf("the latest version of %s is disabled or destroyed", s.resource(name)),
			Fix:  fmt.Sprintf("gcloud secrets versions enable VERSION --secret=%s --project=%s", name, s.project)}
	case codes.NotFound:
		if !s.exists(ctx, name) {
			return nil
		}
		return &store.Symptom{Topic: store.TopicNoVersion, Name: name, Text: s.resource(name) + " is there, but it has no version",
			Fix: fmt.Sprintf("gcloud secrets versions add %s --project=%s --data-file=FILE", name, s.project)}
	}
	return nil
}

// exists tells whether there is a secret, as far as the caller may see it.
func (s *Store) exists(ctx context.Context, name string) bool {
	resource := s.resource(name)
	return s.run(ctx, "check", name, func(ctx context.Context, _ string) error {
		return s.read(ctx, resource, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) error {
			_, err := c.GetSecret(ctx, &secretmanagerpb.GetSecretRequest{Name: resource}, o...)
			return err
		})
	}) == nil
}

// Peek implements store.Prober: the first page of the project.
func (s *Store) Peek(ctx context.Context, prefix string) ([]string, error) {
	var names []string
	err := s.run(ctx, "list", prefix, func(ctx context.Context, parent string) error {
		res, err := s.page(ctx, parent, "", listPage)
		for _, secret := range res.GetSecrets() {
			if _, id, _ := strings.Cut(secret.GetName(), "/secrets/"); strings.HasPrefix(id, prefix) && id != "" {
				names = append(names, id)
			}
		}
		return err
	})
	return names, err
}
