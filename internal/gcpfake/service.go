package gcpfake

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// enter is what every call passes: the record, the credentials, the rule of
// the test and the denials.
func (s *Server) enter(ctx context.Context, method, name string) error {
	s.mu.Lock()
	s.calls = append(s.calls, method+" "+name)
	before, denied := s.Before, s.denied[parentSecret(name)]
	s.mu.Unlock()
	if s.Trust != nil {
		if err := s.Trust.check(ctx); err != nil {
			return err
		}
	}
	if before != nil {
		if err := before(method, name); err != nil {
			return err
		}
	}
	if denied {
		return denial(method, name)
	}
	return nil
}

// parentSecret is the secret that a resource name belongs to.
func parentSecret(name string) string {
	secret, _, _ := strings.Cut(name, "/versions/")
	return secret
}

// ListSecrets implements the service.
func (s *Server) ListSecrets(ctx context.Context, req *secretmanagerpb.ListSecretsRequest) (*secretmanagerpb.ListSecretsResponse, error) {
	if err := s.enter(ctx, "ListSecrets", req.GetParent()); err != nil {
		return nil, err
	}
	if !projectName.MatchString(req.GetParent()) {
		return nil, invalidName()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name := range s.secrets {
		if strings.HasPrefix(name, req.GetParent()+"/secrets/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	page, next, err := s.page(len(names), req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &secretmanagerpb.ListSecretsResponse{NextPageToken: next, TotalSize: int32(len(names))}
	for _, name := range names[page[0]:page[1]] {
		res.Secrets = append(res.Secrets, s.secrets[name].message(name))
	}
	return res, nil
}

// page returns the bounds of a page and the token of the next.
func (s *Server) page(n int, size int32, token string) (bounds [2]int, next string, err error) {
	start := 0
	if token != "" {
		if start, err = strconv.Atoi(token); err != nil || start < 0 || start > n {
			return bounds, "", status.Error(codes.InvalidArgument, "The page token is invalid.")
		}
	}
	most := 25000
	if s.PageSize > 0 {
		most = s.PageSize
	}
	if size > 0 {
		most = min(most, int(size))
	}
	end := min(start+most, n)
	if end < n {
		next = strconv.Itoa(end)
	}
	return [2]int{start, end}, next, nil
}

// CreateSecret implements the service.
func (s *Server) CreateSecret(ctx context.Context, req *secretmanagerpb.CreateSecretRequest) (*secretmanagerpb.Secret, error) {
	name := req.GetParent() + "/secrets/" + req.GetSecretId()
	if err := s.enter(ctx, "CreateSecret", name); err != nil {
		return nil, err
	}
	if !projectName.MatchString(req.GetParent()) || !secretID.MatchString(req.GetSecretId()) {
		return nil, invalidName()
	}
	if req.GetSecret().GetReplication().GetReplication() == nil {
		return nil, status.Error(codes.InvalidArgument, "The replication policy is required.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secrets[name] != nil {
		return nil, status.Errorf(codes.AlreadyExists, "Secret [%s] already exists.", name)
	}
	s.secrets[name] = &secret{created: time.Now()}
	return s.secrets[name].message(name), nil
}

// GetSecret implements the service.
func (s *Server) GetSecret(ctx context.Context, req *secretmanagerpb.GetSecretRequest) (*secretmanagerpb.Secret, error) {
	if err := s.enter(ctx, "GetSecret", req.GetName()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(req.GetName())
	if err != nil {
		return nil, err
	}
	return found.message(req.GetName()), nil
}

// DeleteSecret implements the service.
func (s *Server) DeleteSecret(ctx context.Context, req *secretmanagerpb.DeleteSecretRequest) (*emptypb.Empty, error) {
	if err := s.enter(ctx, "DeleteSecret", req.GetName()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(req.GetName()); err != nil {
		return nil, err
	}
	delete(s.secrets, req.GetName())
	return &emptypb.Empty{}, nil
}

// AddSecretVersion implements the service.
func (s *Server) AddSecretVersion(ctx context.Context, req *secretmanagerpb.AddSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	if err := s.enter(ctx, "AddSecretVersion", req.GetParent()); err != nil {
		return nil, err
	}
	payload := req.GetPayload()
	switch {
	case len(payload.GetData()) > MaxPayload:
		return nil, status.Errorf(codes.InvalidArgument, "The secret payload is longer than %d bytes.", MaxPayload)
	case payload != nil && payload.DataCrc32C != nil && payload.GetDataCrc32C() != checksum(payload.GetData()):
		return nil, status.Error(codes.InvalidArgument, "The checksum of the payload does not match.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(req.GetParent())
	if err != nil {
		return nil, err
	}
	v := found.add(payload.GetData())
	return v.message(req.GetParent(), len(found.versions)), nil
}

// ListSecretVersions implements the service: the newest comes first.
func (s *Server) ListSecretVersions(ctx context.Context, req *secretmanagerpb.ListSecretVersionsRequest) (*secretmanagerpb.ListSecretVersionsResponse, error) {
	if err := s.enter(ctx, "ListSecretVersions", req.GetParent()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, err := s.find(req.GetParent())
	if err != nil {
		return nil, err
	}
	n := len(found.versions)
	page, next, err := s.page(n, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &secretmanagerpb.ListSecretVersionsResponse{NextPageToken: next, TotalSize: int32(n)}
	for i := page[0]; i < page[1]; i++ {
		res.Versions = append(res.Versions, found.versions[n-1-i].message(req.GetParent(), n-i))
	}
	return res, nil
}

// GetSecretVersion implements the service.
func (s *Server) GetSecretVersion(ctx context.Context, req *secretmanagerpb.GetSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	if err := s.enter(ctx, "GetSecretVersion", req.GetName()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, parent, number, err := s.findVersion(req.GetName())
	if err != nil {
		return nil, err
	}
	return v.message(parent, number), nil
}

// AccessSecretVersion implements the service.
func (s *Server) AccessSecretVersion(ctx context.Context, req *secretmanagerpb.AccessSecretVersionRequest) (*secretmanagerpb.AccessSecretVersionResponse, error) {
	if err := s.enter(ctx, "AccessSecretVersion", req.GetName()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, parent, number, err := s.findVersion(req.GetName())
	if err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s/versions/%d", parent, number)
	if v.state != secretmanagerpb.SecretVersion_ENABLED {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in %s state.", name, v.state)
	}
	crc := checksum(v.data)
	return &secretmanagerpb.AccessSecretVersionResponse{Name: name,
		Payload: &secretmanagerpb.SecretPayload{Data: slices.Clone(v.data), DataCrc32C: &crc}}, nil
}

// DisableSecretVersion implements the service.
func (s *Server) DisableSecretVersion(ctx context.Context, req *secretmanagerpb.DisableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change(ctx, "DisableSecretVersion", req.GetName(), secretmanagerpb.SecretVersion_DISABLED)
}

// EnableSecretVersion implements the service.
func (s *Server) EnableSecretVersion(ctx context.Context, req *secretmanagerpb.EnableSecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change(ctx, "EnableSecretVersion", req.GetName(), secretmanagerpb.SecretVersion_ENABLED)
}

// DestroySecretVersion implements the service.
func (s *Server) DestroySecretVersion(ctx context.Context, req *secretmanagerpb.DestroySecretVersionRequest) (*secretmanagerpb.SecretVersion, error) {
	return s.change(ctx, "DestroySecretVersion", req.GetName(), secretmanagerpb.SecretVersion_DESTROYED)
}

func (s *Server) change(ctx context.Context, method, name string, state secretmanagerpb.SecretVersion_State) (*secretmanagerpb.SecretVersion, error) {
	if err := s.enter(ctx, method, name); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	v, parent, number, err := s.findVersion(name)
	if err != nil {
		return nil, err
	}
	if path.Base(name) == "latest" {
		return nil, invalidName()
	}
	if v.state == secretmanagerpb.SecretVersion_DESTROYED {
		return nil, status.Errorf(codes.FailedPrecondition, "Secret Version [%s] is in DESTROYED state.", name)
	}
	v.set(state)
	return v.message(parent, number), nil
}
