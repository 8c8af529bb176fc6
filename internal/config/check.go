package config

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"

	"github.com/airlock-secrets/airlock/internal/hostname"
)

// check finds what is wrong with values that are of the right type.
func (d *decoder) check(c *Config) {
	if !slices.Contains([]string{"", "worker", "server"}, c.Context) {
		d.fail(c.At("context"), "context", "unknown context", "write worker or server")
	}
	names := map[string]Position{}
	for i := range c.Sources {
		d.checkSource(&c.Sources[i], fmt.Sprintf("sources[%d]", i), names)
	}
	d.checkWriteTo(c)
	d.checkAudit(&c.Serve.Audit)
	d.checkServe(&c.Serve)
}

func (d *decoder) checkServe(c *Serve) {
	for i, name := range c.Hosts {
		if !hostname.Valid(name) && (name != "" || c.Valid()) {
			d.fail(c.At("hosts"), fmt.Sprintf("serve.hosts[%d]", i), "it is not a host name", "write a name such as airlock.example.com, without scheme and port")
		}
	}
	if _, given := c.keys["timeout"]; given && c.Timeout == 0 && c.Valid() {
		d.fail(c.At("timeout"), "serve.timeout", "nothing is read in no time", "write for instance 10s")
	}
	if c.Listen != "" {
		_, port, err := net.SplitHostPort(c.Listen)
		if err == nil {
			_, err = strconv.ParseUint(port, 10, 16)
		}
		if err != nil {
			d.fail(c.At("listen"), "serve.listen", "it is not HOST:PORT", "write for instance 127.0.0.1:8477")
		}
	}
}

// sourceName is how a source may be called.
var sourceName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)

// classEmbedded is what explain calls the embedded store.
const classEmbedded = "airlock.EmbeddedStore"

func (d *decoder) checkSource(s *Source, path string, names map[string]Position) {
	before := len(d.problems)
	at := s.At("name")
	_, named := s.keys["name"]
	first, taken := names[s.Name]
	switch {
	case !named || s.bad && s.Name == "":
	case s.Name == Embedded:
		d.fail(at, path+".name", "the name is that of airlock's own store", "choose another")
	case !sourceName.MatchString(s.Name):
		d.fail(at, path+".name", "it is not a name", "write letters, digits, _, - and ., 63 at most")
	case taken:
		d.fail(at, path+".name", fmt.Sprintf("another source is called so, in line %d", first.Line), "choose another")
	default:
		names[s.Name] = at
	}
	_, has := s.keys["class"]
	switch {
	case s.Class == classEmbedded:
		d.fail(s.At("class"), path+".class", "the embedded store is no source", "leave it out: it is asked after the sources")
	case s.Class == "" && s.keys != nil && !(has && s.bad):
		d.fail(s.At("class"), path+".class", "the class is missing", "write the dotted path of an Airflow class, as in AIRFLOW__SECRETS__BACKEND")
	}
	if len(d.problems) > before {
		s.spoil()
	}
}

func (d *decoder) checkWriteTo(c *Config) {
	if _, given := c.keys["sources"]; c.WriteTo != "" && !given {
		d.fail(c.At("write_to"), "write_to", "it needs sources",
			"name the sources here; without them commands write to the backend that Airflow's own settings name, or to the embedded store")
		return
	}
	if c.WriteTo == "" || c.WriteTo == Embedded || c.Index(c.WriteTo) >= 0 {
		return
	}
	known := []string{Embedded}
	for i := range c.Sources {
		if name := c.Sources[i].Name; name != "" {
			known = append(known, name)
		}
	}
	hint := "write embedded, or the name of a source"
	if near := nearest(c.WriteTo, known); near != "" {
		hint = "did you mean " + near + "?"
	}
	d.fail(c.At("write_to"), "write_to", "no source is called so", hint)
}
