package vaultstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readable is the body of a log-in as the vectors write it down: one with a
// signed request to AWS decoded from base64, without what depends on the time.
func readable(body any) (any, error) {
	sent, ok := body.(map[string]any)
	if !ok || sent["iam_request_headers"] == nil {
		return body, nil
	}
	texts := map[string]string{}
	for _, name := range []string{"iam_request_url", "iam_request_body", "iam_request_headers"} {
		text, err := base64.StdEncoding.DecodeString(fmt.Sprint(sent[name]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		texts[name] = string(text)
	}
	var headers map[string][]any
	if err := json.Unmarshal([]byte(texts["iam_request_headers"]), &headers); err != nil {
		return nil, err
	}
	names, static := []any{}, map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		names = append(names, name)
		if name != "Authorization" && name != "X-Amz-Date" {
			static[name] = headers[name]
		}
	}
	out := maps.Clone(sent)
	delete(out, "iam_request_headers")
	out["iam_request_url"], out["iam_request_body"] = texts["iam_request_url"], texts["iam_request_body"]
	out["iam_request_header_names"], out["iam_request_headers_static"] = names, static
	out["credential_scope_tail"] = scopeTail(fmt.Sprint(headers["Authorization"]))
	out["@note"] = "decoded from base64; time-dependent values removed"
	return out, nil
}

// scopeTail is the credential scope of a signature from the region on.
func scopeTail(authorization string) string {
	_, credential, _ := strings.Cut(authorization, "Credential=")
	credential, _, _ = strings.Cut(credential, ",")
	if parts := strings.SplitN(credential, "/", 3); len(parts) == 3 {
		return parts[2]
	}
	return authorization
}
