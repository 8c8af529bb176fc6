package gcpfake

import (
	"context"
	"slices"

	"cloud.google.com/go/iam/apiv1/iampb"
)

// TestIamPermissions implements the service: which of the permissions the
// caller has. As at Google, a secret that does not exist gives none, and no
// error.
func (s *Server) TestIamPermissions(ctx context.Context, req *iampb.TestIamPermissionsRequest) (*iampb.TestIamPermissionsResponse, error) {
	name := req.GetResource()
	s.mu.Lock()
	s.calls = append(s.calls, "TestIamPermissions "+name)
	granted := s.Permissions
	if granted == nil {
		granted = []string{"secretmanager.versions.access"}
	}
	if s.secrets[name] == nil || s.denied[name] {
		granted = nil
	}
	s.mu.Unlock()
	if s.Trust != nil {
		if err := s.Trust.check(ctx); err != nil {
			return nil, err
		}
	}
	res := &iampb.TestIamPermissionsResponse{}
	for _, permission := range req.GetPermissions() {
		if slices.Contains(granted, permission) {
			res.Permissions = append(res.Permissions, permission)
		}
	}
	return res, nil
}
