package sqlstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/airlock-secrets/airlock/store"
)

// boundTo encodes what a ciphertext is bound to; see the package comment.
func boundTo(purpose string, parts ...string) []byte {
	all := append([]string{"airlock sqlstore 1 " + purpose}, parts...)
	var b []byte
	for _, part := range all {
		b = binary.BigEndian.AppendUint64(b, uint64(len(part)))
		b = append(b, part...)
	}
	return b
}

// namespaceKey is a namespace as it is kept in memory once opened.
type namespaceKey struct {
	id   int64
	name string
	aead tink.AEAD
}

// newNamespaceKey makes a data key and wraps it.
func newNamespaceKey(ctx context.Context, kek tink.AEADWithContext, name string) (tink.AEAD, []byte, error) {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, nil, fmt.Errorf("making a data key: %w", err)
	}
	var wrapped bytes.Buffer
	if err := handle.WriteWithContext(ctx, keyset.NewBinaryWriter(&wrapped), kek, boundTo("namespace key", name)); err != nil {
		return nil, nil, fmt.Errorf("wrapping a data key: %w", err)
	}
	primitive, err := aead.New(handle)
	return primitive, wrapped.Bytes(), err
}

// openNamespaceKey unwraps a data key.
func openNamespaceKey(ctx context.Context, kek tink.AEADWithContext, name string, wrapped []byte) (tink.AEAD, error) {
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(wrapped)), kek, boundTo("namespace key", name))
	if err != nil {
		return nil, corrupt("the data key of namespace %q cannot be unwrapped: %w", name, err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, corrupt("the data key of namespace %q is of an unknown kind: %w", name, err)
	}
	return primitive, nil
}

func (k *namespaceKey) valueBinding(name string, version int64, form store.Form) []byte {
	return boundTo("value", k.name, name, strconv.FormatInt(version, 10), strconv.Itoa(int(form)))
}

func (k *namespaceKey) sealValue(name string, version int64, form store.Form, payload []byte) ([]byte, error) {
	return k.aead.Encrypt(payload, k.valueBinding(name, version, form))
}

func (k *namespaceKey) openValue(name string, version int64, form store.Form, sealed []byte) ([]byte, error) {
	payload, err := k.aead.Decrypt(sealed, k.valueBinding(name, version, form))
	if err != nil {
		return nil, corrupt("version %d does not decrypt under its own name", version)
	}
	if payload == nil {
		payload = []byte{}
	}
	return payload, nil
}

// sealAttributes returns nil where there are none.
func (k *namespaceKey) sealAttributes(name string, attributes map[string]map[string]string) ([]byte, error) {
	if len(attributes) == 0 {
		return nil, nil
	}
	for _, of := range attributes {
		for key, value := range of {
			if !utf8.ValidString(key) || !utf8.ValidString(value) {
				return nil, invalid("an attribute that is not UTF-8")
			}
		}
	}
	b, err := json.Marshal(attributes)
	if err != nil {
		return nil, fmt.Errorf("encoding attributes: %w", err)
	}
	if len(b) > MaxAttributes {
		return nil, invalid("attributes of more than %d bytes", MaxAttributes)
	}
	return k.aead.Encrypt(b, boundTo("attributes", k.name, name))
}

func (k *namespaceKey) openAttributes(name string, sealed []byte) (map[string]map[string]string, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	b, err := k.aead.Decrypt(sealed, boundTo("attributes", k.name, name))
	if err != nil {
		return nil, corrupt("the attributes do not decrypt under their own name")
	}
	var attributes map[string]map[string]string
	if err := json.Unmarshal(b, &attributes); err != nil {
		return nil, corrupt("the attributes are not in their own form")
	}
	return attributes, nil
}
