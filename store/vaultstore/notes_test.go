package vaultstore

import (
	"strings"
	"testing"
)

func TestNotes(t *testing.T) {
	for _, tt := range []struct {
		kwargs string
		want   []string // a part of each note
	}{
		{`{"token": "hunter2"}`, nil},
		{`{"url": "u", "auth_type": "approle", "role_id": "r", "secret_id": "hunter2", "mount_point": "m"}`, nil},
		{`{"token": "hunter2", "token_path": "p"}`, []string{`"token_path" wins over "token"`}},
		{`{"token": "hunter2", "role_id": "r", "secret_id": null}`, []string{`"role_id" is ignored with auth_type token`}},
		{`{"auth_type": "github", "token_path": "p"}`, []string{"never read"}},
		{`{"auth_type": "azure", "azure_resource": "r", "azure_tenant_id": "t"}`, []string{"does not log in with auth_type azure"}},
		{`{"auth_type": "radius", "radius_host": "h", "radius_secret": "hunter2", "username": "u"}`, []string{"does not log in", `"username" is ignored`}},
		{`{"auth_type": "jwt", "jwt_role": "r", "jwt_token": "hunter2", "jwt_token_path": "p"}`, []string{`"jwt_token" wins`}},
		{`{"auth_type": "aws_iam", "key_id": "k"}`, []string{"only where both"}},
		{`{"auth_type": "aws_iam", "key_id": "k", "secret_id": "hunter2", "assume_role_kwargs": {"RoleArn": "a"}}`, []string{`win over "assume_role_kwargs"`}},
		{`{"auth_type": "nope", "token": "hunter2"}`, nil},
	} {
		got := Notes(kwargsOf(t, tt.kwargs))
		if len(got) != len(tt.want) {
			t.Errorf("%s: notes %q, want %q", tt.kwargs, got, tt.want)
			continue
		}
		for i := range got {
			if !strings.Contains(got[i], tt.want[i]) || strings.Contains(got[i], "hunter2") {
				t.Errorf("%s: note %q, want %q", tt.kwargs, got[i], tt.want[i])
			}
		}
	}
}

// TestUsesAreWhatIsNeeded holds the tables of kwargs against each other.
func TestUsesAreWhatIsNeeded(t *testing.T) {
	for _, authType := range authTypes {
		if uses[authType] == nil {
			t.Errorf("nothing is said of what auth_type %s uses", authType)
		}
		for _, either := range needs[authType] {
			for _, name := range either {
				if !credential(name) {
					t.Errorf("auth_type %s needs %q, which no log-in uses", authType, name)
				}
			}
		}
	}
}
