package airflow

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Errors of Fernet. ErrInvalidFernetToken is an *Error of type InvalidToken.
var (
	// ErrNoFernetKey reports that core.fernet_key is empty: Airflow then
	// keeps and reads values in the clear.
	ErrNoFernetKey = errors.New("core.fernet_key is empty, so nothing is encrypted or decrypted")

	// ErrInvalidFernetToken reports a token that none of the keys has made,
	// or that is damaged.
	ErrInvalidFernetToken error = fail("InvalidToken",
		"the value was encrypted with a key that is not in core.fernet_key, or it is damaged", "")
)

// A token is, before it is made URL-safe base64,
//
//	0x80 | seconds since 1970, 8 bytes | IV, 16 bytes | AES-128-CBC, PKCS #7 | HMAC-SHA256 of all before, 32 bytes
//
// See https://github.com/fernet/spec/blob/master/Spec.md.
const (
	fernetVersion = 0x80
	fernetHeader  = 1 + 8 + aes.BlockSize
)

// Fernet encrypts and decrypts the columns of the metadata database as
// Airflow does (airflow.models.crypto, cryptography.fernet.MultiFernet): the
// first key encrypts, every key decrypts. It prints as "fernet(redacted)".
type Fernet struct {
	keys []fernetKey
}

type fernetKey struct {
	signing []byte
	block   cipher.Block
}

// ParseFernet reads the value of core.fernet_key: keys separated by commas,
// each 32 bytes in base64 as Python decodes it, which passes over blanks and
// other characters that are no digits. An empty value is ErrNoFernetKey; any
// other that does not parse is an *Error of type AirflowException.
func ParseFernet(keys string) (*Fernet, error) {
	if keys == "" {
		return nil, ErrNoFernetKey
	}
	f := &Fernet{}
	for i, text := range strings.Split(keys, ",") {
		key, ok := decodeBase64(text)
		if !ok || len(key) != 32 {
			return nil, fail("AirflowException",
				fmt.Sprintf("key %d of core.fernet_key is not 32 bytes in URL-safe base64: make one with "+
					"cryptography.fernet.Fernet.generate_key()", i+1),
				"Could not create Fernet object: Fernet key must be 32 url-safe base64-encoded bytes.")
		}
		block, err := aes.NewCipher(key[16:])
		if err != nil {
			return nil, err
		}
		f.keys = append(f.keys, fernetKey{signing: key[:16], block: block})
	}
	return f, nil
}

// Format implements fmt.Formatter, so that no verb prints a key.
func (f *Fernet) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "fernet(redacted)") }

// Decrypt returns what token holds, whatever its age. The error is
// ErrInvalidFernetToken.
func (f *Fernet) Decrypt(token string) ([]byte, error) {
	data, ok := decodeBase64(token)
	if !ok || len(data) < fernetHeader+sha256.Size || data[0] != fernetVersion {
		return nil, ErrInvalidFernetToken
	}
	signed, sum := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	for _, k := range f.keys {
		if !hmac.Equal(k.sign(signed), sum) {
			continue
		}
		if plain, ok := k.open(signed); ok {
			return plain, nil
		}
	}
	return nil, ErrInvalidFernetToken
}

func (k fernetKey) sign(data []byte) []byte {
	h := hmac.New(sha256.New, k.signing)
	h.Write(data)
	return h.Sum(nil)
}

// open decrypts the part of a token before its signature.
func (k fernetKey) open(signed []byte) ([]byte, bool) {
	iv, text := signed[fernetHeader-aes.BlockSize:fernetHeader], bytes.Clone(signed[fernetHeader:])
	if len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return nil, false
	}
	cipher.NewCBCDecrypter(k.block, iv).CryptBlocks(text, text)
	// The signature has been checked, so how the padding fails tells nobody
	// anything.
	n := int(text[len(text)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, false
	}
	plain, padding := text[:len(text)-n], text[len(text)-n:]
	return plain, bytes.Equal(padding, bytes.Repeat([]byte{byte(n)}, n))
}

// Encrypt makes a token of data with the first key. now is the time it notes,
// which Airflow never looks at; random is crypto/rand.Reader outside tests.
// It fails only if random does.
func (f *Fernet) Encrypt(data []byte, now time.Time, random io.Reader) (string, error) {
	token := make([]byte, fernetHeader, fernetHeader+len(data)+aes.BlockSize+sha256.Size)
	token[0] = fernetVersion
	binary.BigEndian.PutUint64(token[1:], uint64(now.Unix()))
	iv := token[fernetHeader-aes.BlockSize:]
	if _, err := io.ReadFull(random, iv); err != nil {
		return "", fmt.Errorf("drawing a random number: %w", err)
	}
	n := aes.BlockSize - len(data)%aes.BlockSize
	token = append(append(token, data...), bytes.Repeat([]byte{byte(n)}, n)...)
	k := f.keys[0]
	cipher.NewCBCEncrypter(k.block, iv).CryptBlocks(token[fernetHeader:], token[fernetHeader:])
	return base64.URLEncoding.EncodeToString(append(token, k.sign(token)...)), nil
}

// decodeBase64 is base64.urlsafe_b64decode, both alphabets at once: it passes
// over every character that is no digit, and stops at the first padding that
// is complete, whatever comes after. It reports false for a padding that is
// not complete.
func decodeBase64(s string) ([]byte, bool) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var out []byte
	var bits uint32
	quad, pads := 0, 0
	for _, c := range []byte(s) {
		switch c {
		case '=':
			if pads++; quad >= 2 && quad+pads >= 4 {
				return out, true
			}
			continue
		case '-':
			c = '+'
		case '_':
			c = '/'
		}
		v := strings.IndexByte(digits, c)
		if v < 0 {
			continue
		}
		pads = 0
		bits = bits<<6 | uint32(v)
		if quad = (quad + 1) % 4; quad != 1 {
			shift := []int{0, 0, 4, 2}[quad]
			out = append(out, byte(bits>>shift))
		}
	}
	return out, quad == 0
}
