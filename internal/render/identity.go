package render

import (
	"errors"
	"fmt"
	"strings"

	"github.com/airlock-secrets/airlock/internal/lazyregexp"
)

// A cloud identity is told by its form.
var (
	awsRole       = lazyregexp.New(`\Aarn:aws[a-z-]*:iam::[0-9]{12}:role/[\w+=,.@/-]+\z`)
	googleAccount = lazyregexp.New(`\A[a-z0-9-]+@[a-z0-9.:-]+\.gserviceaccount\.com\z`)
	azureClient   = lazyregexp.New(`\A[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\z`)
)

// annotation is what ties a Kubernetes service account to a cloud identity,
// and the label that its pods need; "" for none.
func annotation(identity string) (key, label string, err error) {
	switch {
	case awsRole.MatchString(identity):
		return "eks.amazonaws.com/role-arn", "", nil
	case googleAccount.MatchString(identity):
		return "iam.gke.io/gcp-service-account", "", nil
	case azureClient.MatchString(identity):
		return "azure.workload.identity/client-id", `azure.workload.identity/use: "true"`, nil
	}
	return "", "", errors.New("the identity is none of AWS (arn:aws:iam::ACCOUNT:role/NAME), Google (NAME@PROJECT.iam.gserviceaccount.com) " +
		"and Azure (the client id of the managed identity)")
}

// identityComment says how the agents' service accounts get their identity.
// It is a comment, because where the annotations go depends on the version of
// the chart, and kubectl works with all.
func identityComment(o *Options) (string, error) {
	if o.Identity == "" {
		return "", nil
	}
	key, label, err := annotation(o.Identity)
	if err != nil {
		return "", err
	}
	namespace := o.Namespace
	if namespace == "" {
		namespace = "NAMESPACE"
	}
	var b strings.Builder
	b.WriteString("# The annotation that the agents' service accounts need, for workload identity:\n")
	fmt.Fprintf(&b, "#   %s: %s\n", key, YAML(o.Identity))
	if label != "" {
		fmt.Fprintf(&b, "# and the label of their pods:\n#   %s\n", label)
	}
	fmt.Fprintf(&b, "# Without a place for it in the chart's values:\n#   kubectl annotate serviceaccount --namespace %s --all %s=%s\n",
		namespace, key, ShellWord(o.Identity))
	return b.String(), nil
}
