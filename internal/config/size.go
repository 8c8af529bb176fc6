package config

import (
	"math"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Size is a number of bytes.
type Size int64

const wantSize = "a size such as 100MB"

// size decodes a number of bytes with or without a unit. Units are powers of
// 1024, as those of logrotate are.
func (d *decoder) size(n ast.Node, at Position, path string) Size {
	raw, ok := literal(n)
	if number, is := n.(*ast.IntegerNode); is {
		raw, ok = number.GetToken().Value, true
	}
	if !ok {
		d.mismatch(n, at, path, wantSize)
		return 0
	}
	v, ok := parseSize(d.expanded(raw, at, path))
	if !ok {
		d.fail(at, path, "it is not "+wantSize, "write a number and a unit: KB, MB or GB")
	}
	return v
}

func parseSize(text string) (Size, bool) {
	number := strings.TrimRight(text, "kKmMgGiIbB ")
	shift := 0
	switch strings.ToUpper(strings.TrimSpace(text[len(number):])) {
	case "", "B":
	case "K", "KB", "KIB":
		shift = 10
	case "M", "MB", "MIB":
		shift = 20
	case "G", "GB", "GIB":
		shift = 30
	default:
		return 0, false
	}
	v, err := strconv.ParseUint(number, 10, 63)
	if err != nil || v > math.MaxInt64>>shift {
		return 0, false
	}
	return Size(v << shift), true
}

// count decodes a whole number that is not negative.
func (d *decoder) count(n ast.Node, at Position, path string) int {
	raw, ok := literal(n)
	if number, is := n.(*ast.IntegerNode); is {
		raw, ok = number.GetToken().Value, true
	}
	if !ok {
		d.mismatch(n, at, path, "a number")
		return 0
	}
	v, err := strconv.ParseUint(d.expanded(raw, at, path), 10, 31)
	if err != nil {
		d.fail(at, path, "it is not a number from 0 up", "write a whole number such as 10")
	}
	return int(v)
}

// The least that a log may be bounded to: below it every few lines would begin
// another file.
const minLogSize = 64 << 10

func (d *decoder) checkAudit(a *Audit) {
	if a.MaxSize != nil && *a.MaxSize != 0 && *a.MaxSize < minLogSize {
		d.fail(a.At("max_size"), "serve.audit.max_size", "it is below 64KB", "write for instance 100MB, or 0 for any size")
	}
	if a.MaxAge != nil && *a.MaxAge != 0 && a.MaxAge.Minutes() < 1 {
		d.fail(a.At("max_age"), "serve.audit.max_age", "it is below one minute", "write for instance 24h, or 0s for any age")
	}
}
