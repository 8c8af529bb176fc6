package gcpfake

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// MaxPayload is the longest payload that a version holds, in bytes.
// https://cloud.google.com/secret-manager/quotas
const MaxPayload = 65536

// secret is one secret and its versions, the first of them numbered 1.
type secret struct {
	created  time.Time
	versions []*version
}

type version struct {
	created   time.Time
	destroyed time.Time
	state     secretmanagerpb.SecretVersion_State
	data      []byte
}

// Server holds the secrets of any number of projects. Create one with [New].
type Server struct {
	secretmanagerpb.UnimplementedSecretManagerServiceServer

	// Before, when not nil, is asked before each call, with the method's name
	// ("AccessSecretVersion") and the resource; its error is the answer.
	Before func(method, name string) error
	// Trust says whom the server believes; nil believes everybody.
	Trust *Trust
	// PageSize bounds the pages of lists; 0 means 25000, as at Google.
	PageSize int
	// Permissions are what callers may do with a secret that is not denied to
	// them, as TestIamPermissions tells; nil: read its versions.
	Permissions []string

	mu      sync.Mutex
	secrets map[string]*secret // by "projects/p/secrets/s"
	denied  map[string]bool
	calls   []string
}

// New returns a server without secrets.
func New() *Server {
	return &Server{secrets: map[string]*secret{}, denied: map[string]bool{}}
}

// Put makes data the latest version of a secret, which it creates where there
// is none.
func (s *Server) Put(project, id string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := "projects/" + project + "/secrets/" + id
	if s.secrets[name] == nil {
		s.secrets[name] = &secret{created: time.Now()}
	}
	s.secrets[name].add(data)
}

// Create makes a secret without any version.
func (s *Server) Create(project, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets["projects/"+project+"/secrets/"+id] = &secret{created: time.Now()}
}

// Deny makes every call on a secret fail with PermissionDenied, whether there
// is such a secret or not.
func (s *Server) Deny(project, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.denied["projects/"+project+"/secrets/"+id] = true
}

// Disable disables the latest version of a secret.
func (s *Server) Disable(project, id string) {
	s.setLatest(project, id, secretmanagerpb.SecretVersion_DISABLED)
}

// Destroy destroys the latest version of a secret.
func (s *Server) Destroy(project, id string) {
	s.setLatest(project, id, secretmanagerpb.SecretVersion_DESTROYED)
}

func (s *Server) setLatest(project, id string, state secretmanagerpb.SecretVersion_State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.secrets["projects/"+project+"/secrets/"+id]; found != nil && len(found.versions) > 0 {
		found.versions[len(found.versions)-1].set(state)
	}
}

// Calls returns the method and the resource of each call so far, with a blank
// between, and forgets them.
func (s *Server) Calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := s.calls
	s.calls = nil
	return calls
}

func (s *secret) add(data []byte) *version {
	v := &version{created: time.Now(), state: secretmanagerpb.SecretVersion_ENABLED, data: slices.Clone(data)}
	s.versions = append(s.versions, v)
	return v
}

func (v *version) set(state secretmanagerpb.SecretVersion_State) {
	v.state = state
	if state == secretmanagerpb.SecretVersion_DESTROYED {
		v.destroyed, v.data = time.Now(), nil
	}
}

func (s *secret) message(name string) *secretmanagerpb.Secret {
	return &secretmanagerpb.Secret{Name: name, CreateTime: timestamppb.New(s.created),
		Replication: &secretmanagerpb.Replication{Replication: &secretmanagerpb.Replication_Automatic_{Automatic: &secretmanagerpb.Replication_Automatic{}}}}
}

func (v *version) message(name string, number int) *secretmanagerpb.SecretVersion {
	m := &secretmanagerpb.SecretVersion{Name: fmt.Sprintf("%s/versions/%d", name, number), CreateTime: timestamppb.New(v.created), State: v.state}
	if !v.destroyed.IsZero() {
		m.DestroyTime = timestamppb.New(v.destroyed)
	}
	return m
}

// The forms of resource names.
var (
	projectName = regexp.MustCompile(`^projects/[^/]+$`)
	secretID    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)
	secretName  = regexp.MustCompile(`^projects/[^/]+/secrets/[A-Za-z0-9_-]{1,255}$`)
	versionName = regexp.MustCompile(`^(projects/[^/]+/secrets/[A-Za-z0-9_-]{1,255})/versions/(latest|[0-9]{1,9})$`)
)

func invalidName() error {
	return status.Error(codes.InvalidArgument, "Invalid resource field value in the request.")
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "Secret [%s] not found or has no versions.", name)
}

func denial(method, name string) error {
	permission := map[string]string{"AccessSecretVersion": "secretmanager.versions.access", "ListSecrets": "secretmanager.secrets.list",
		"GetSecretVersion": "secretmanager.versions.get", "AddSecretVersion": "secretmanager.versions.add"}[method]
	if permission == "" {
		permission = "secretmanager.secrets." + strings.ToLower(strings.TrimSuffix(method, "Secret"))
	}
	return status.Errorf(codes.PermissionDenied, "Permission '%s' denied for resource '%s' (or it may not exist).", permission, name)
}

// find returns a secret; the caller holds mu.
func (s *Server) find(name string) (*secret, error) {
	if !secretName.MatchString(name) {
		return nil, invalidName()
	}
	found := s.secrets[name]
	if found == nil {
		return nil, notFound(name)
	}
	return found, nil
}

// findVersion returns a version, its secret's name and its number; the caller
// holds mu. "latest" is the one created last, whatever its state.
func (s *Server) findVersion(name string) (v *version, parent string, number int, err error) {
	match := versionName.FindStringSubmatch(name)
	if match == nil {
		return nil, "", 0, invalidName()
	}
	found, err := s.find(match[1])
	if err != nil {
		return nil, "", 0, err
	}
	number = len(found.versions)
	if match[2] != "latest" {
		if _, err := fmt.Sscan(match[2], &number); err != nil {
			return nil, "", 0, invalidName()
		}
	}
	if number < 1 || number > len(found.versions) {
		return nil, "", 0, notFound(name)
	}
	return found.versions[number-1], match[1], number, nil
}

// checksum is CRC32C.
func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}
