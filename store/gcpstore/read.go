package gcpstore

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"cloud.google.com/go/secretmanager/apiv1/secretmanagerpb"
	"google.golang.org/grpc"

	"github.com/airlock-secrets/airlock/internal/excerpt"
	"github.com/airlock-secrets/airlock/store"
)

// errChecksum is an answer that was damaged on its way.
var errChecksum = &store.Error{Code: store.Corrupt, Err: errors.New("the payload does not have the checksum that came with it"), Hint: "ask again"}

// Get implements store.Store. A name that Google does not take is the
// service's own InvalidArgument: nothing is checked here, as nothing is in
// Airflow. A latest version that is disabled or destroyed is Invalid, as
// Airflow fails on it.
func (s *Store) Get(ctx context.Context, name string) (*store.Secret, error) {
	const op = "get"
	var secret *store.Secret
	err := s.run(ctx, op, name, func(ctx context.Context, parent string) error {
		resource := parent + "/secrets/" + name + "/versions/latest"
		var res *secretmanagerpb.AccessSecretVersionResponse
		err := s.read(ctx, resource, func(ctx context.Context, c secretmanagerpb.SecretManagerServiceClient, o ...grpc.CallOption) (err error) {
			res, err = c.AccessSecretVersion(ctx, &secretmanagerpb.AccessSecretVersionRequest{Name: resource}, o...)
			return err
		})
		if err != nil {
			return err
		}
		payload := res.GetPayload()
		if payload != nil && payload.DataCrc32C != nil && payload.GetDataCrc32C() != checksum(payload.GetData()) {
			return errChecksum
		}
		secret = &store.Secret{Payload: payload.GetData(), Form: store.Binary}
		if secret.Payload == nil {
			secret.Payload = []byte{}
		}
		secret.Version, secret.VersionID = versionOf(res.GetName())
		return nil
	})
	if store.CodeOf(err) == store.NotFound {
		s.log.DebugContext(ctx, "no such secret", "store", s.Name(), "name", excerpt.Name(name))
	}
	return secret, err
}

// versionOf reads the number at the end of a version's resource name.
func versionOf(resource string) (number int64, id string) {
	_, id, _ = strings.Cut(resource, "/versions/")
	if _, err := fmt.Sscan(id, &number); err != nil {
		return 0, id
	}
	return number, id
}

// checksum is CRC32C.
func checksum(data []byte) int64 {
	return int64(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)))
}
