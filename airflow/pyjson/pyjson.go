// Package pyjson reads and writes JSON as Python's json module does: NaN and
// infinities, integers of any size, objects in insertion order with the last
// duplicate winning, and Python's own spacing and escapes on output.
package pyjson

// Object is a JSON object that keeps the order of its keys.
type Object struct {
	keys   []string
	values map[string]any
}

// NewObject returns an empty object.
func NewObject() *Object { return &Object{values: map[string]any{}} }

// Keys returns the keys in order. The caller must not change the slice.
func (o *Object) Keys() []string { return o.keys }

// Len returns the number of members.
func (o *Object) Len() int { return len(o.keys) }

// Get returns the member called key.
func (o *Object) Get(key string) (any, bool) { v, ok := o.values[key]; return v, ok }

// Set sets a member; an existing one keeps its place.
func (o *Object) Set(key string, v any) {
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = v
}

// Decode reads one JSON document. The result is nil, bool, string, int64,
// *big.Int (beyond 64 bits), float64, []any or *Object.
func Decode(text string) (any, error) { panic("to come") }

// Encode writes v as json.dumps(v) does: ", " and ": ", ASCII escapes.
func Encode(v any) string { panic("to come") }
