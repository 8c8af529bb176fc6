package metadbstore

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airlock-secrets/airlock/internal/diskfile"
	"github.com/airlock-secrets/airlock/internal/route"
)

func withheld(err error) bool { return errors.Is(err, route.ErrWithheld) }

// postgresRoute lists the hosts of a URL, of libpq's variables or of a
// service.
func postgresRoute(u location, o Options) []route.Point {
	settings, variables, err := postgresSettings(u, o.Getenv)
	if err != nil {
		return nil
	}
	s := said{settings: settings, variables: variables}
	var list points
	if name := settings["service"]; name != "" {
		path := serviceFile(settings)
		s.serviceBy = []route.Setting{{File: path}}
		if settings["servicefile"] != "" {
			s.serviceBy = append(s.of("servicefile"), s.serviceBy...)
		}
		if diskfile.Check(path) != nil { // who knows what it will say
			list.add(route.Point{Kind: route.Service, Host: path}, s.serviceBy, nil)
			return list
		}
		if s.service, err = (files{}).service(path, name); err != nil {
			return nil
		}
	}
	s.hosts(&list)
	return list
}

// said are settings and who says them.
type said struct {
	settings, variables map[string]string
	service             map[string]string
	serviceBy           []route.Setting
}

func (s said) get(name string) string { return first(s.settings[name], s.service[name]) }

// of is what says what a setting is; nil where nothing does.
func (s said) of(name string) []route.Setting {
	switch {
	case s.variables[name] != "":
		return []route.Setting{{Variable: s.variables[name]}}
	case s.settings[name] != "":
		return []route.Setting{connOption}
	case s.service[name] != "":
		return s.serviceBy
	}
	return nil
}

// hosts lists each host, as libpq pairs hosts and ports.
func (s said) hosts(list *points) {
	hosts, ports := strings.Split(s.get("host"), ","), strings.Split(s.get("port"), ",")
	by := slices.Concat(s.of("host"), s.of("port"))
	mode := s.get("sslmode")
	if mode == "disable" || mode == "allow" {
		by = append(by, s.of("sslmode")...)
	}
	for i, host := range hosts {
		port := ports[min(i, len(ports)-1)]
		p := route.Point{Kind: route.Service, Plain: mode == "disable"}
		if host == "" {
			host = usualSocket()
		}
		if filepath.IsAbs(host) || strings.HasPrefix(host, "@") {
			p.Host, p.Plain = host+"/.s.PGSQL."+first(port, "5432"), false
			list.add(p, by, nil)
			continue
		}
		p.Host = route.Join(host, port, "postgresql")
		ca := s.get("sslrootcert")
		if ca == "" || ca == "system" || p.Plain {
			list.add(p, by, nil)
			continue
		}
		p.Pin = (*route.Confinement)(nil).PinOf(ca)
		list.add(p, by, s.of("sslrootcert"))
	}
}

// usualSocket is where libpq's client looks for a server that has no name.
func usualSocket() string {
	for _, folder := range []string{"/var/run/postgresql", "/private/tmp", "/tmp"} {
		if _, err := os.Stat(folder); err == nil {
			return folder
		}
	}
	return "localhost"
}

// mysqlRoute is the one server of a URL.
func mysqlRoute(u location) []route.Point {
	network, address, err := mysqlAddress(u)
	if err != nil {
		return nil
	}
	by := []route.Setting{connOption}
	if u.option("unix_socket", "host", "port") == "" && u.host == "" && u.port == "" {
		by = nil
	}
	var list points
	p := route.Point{Kind: route.Service, Host: address}
	if network == "unix" {
		list.add(p, by, nil)
		return list
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil
	}
	p.Host = route.Join(host, port, "mysql")
	p.Plain = isOn(u.option("ssl_disabled")) || strings.EqualFold(u.option("ssl_mode"), "disabled")
	pinned := false
	for _, ca := range []string{u.option("ssl_ca"), u.option("ssl_capath")} {
		if ca != "" && !p.Plain {
			p.Pin, pinned = (*route.Confinement)(nil).PinOf(ca), true
			list.add(p, by, []route.Setting{connOption})
		}
	}
	if !pinned {
		list.add(p, by, nil)
	}
	return list
}
