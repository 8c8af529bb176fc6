package metadbstore

import (
	"maps"
	"os"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/airlock-secrets/airlock/internal/route"
)

// prepare checks the files of settings, and confines them where that is asked.
func (f files) prepare(settings map[string]string) error {
	if f.confined != nil {
		return f.confine(settings)
	}
	return f.checked(settings)
}

// confine adds what a service of the folder says, and refuses files that lie
// elsewhere.
func (f files) confine(settings map[string]string) error {
	if name := settings["service"]; name != "" {
		service, err := f.service(serviceFile(settings), name)
		if err != nil {
			return err
		}
		for name, v := range service {
			if settings[name] == "" {
				settings[name] = v
			}
		}
	}
	delete(settings, "service")
	delete(settings, "servicefile")
	return f.checked(settings)
}

// whole returns settings with a value for all that libpq's client would take
// from the process.
func whole(settings map[string]string) map[string]string {
	all := map[string]string{"sslcertmode": "allow", "target_session_attrs": "any", "sslsni": "1", "connect_timeout": "0", "sslpassword": "",
		"timezone": "", "min_protocol_version": "", "max_protocol_version": ""}
	for _, name := range postgresEnvironment() {
		if name != "service" && name != "servicefile" && name != "ssl_min_protocol_version" {
			all[name] = first(settings[name], all[name])
		}
	}
	maps.Copy(all, settings)
	return all
}

// parse makes the client's configuration of settings.
func (f files) parse(settings map[string]string) (*pgx.ConnConfig, error) {
	if f.confined == nil {
		return pgx.ParseConfig(keywords(settings))
	}
	settings = whole(settings)
	if os.Getenv("PGSERVICE") != "" { // no setting switches it off
		empty, err := os.CreateTemp("", "airlock-*")
		if err != nil {
			return nil, err
		}
		defer os.Remove(empty.Name())
		defer empty.Close()
		if _, err := empty.WriteString("[none]\n"); err != nil {
			return nil, err
		}
		settings["service"], settings["servicefile"] = "none", empty.Name()
	}
	config, err := pgx.ParseConfig(keywords(settings))
	if err != nil {
		return nil, err
	}
	config.User = settings["user"]
	maps.DeleteFunc(config.RuntimeParams, func(_, v string) bool { return v == "" })
	return config, nil
}

// connOption is the setting that holds the URL.
var connOption = route.Setting{Option: "[database] sql_alchemy_conn"}

// Route lists where the database is asked. It asks nobody, and reads no file
// but regular ones: libpq's services, and CA files for their pins. A SQLite
// database has no address. What Open refuses goes nowhere.
func Route(o Options) []route.Point {
	u, err := parseURL(o.Conn)
	if o.Path != "" || err != nil {
		return nil
	}
	switch u.backend {
	case "postgresql":
		return postgresRoute(u, o)
	case "mysql", "mariadb":
		return mysqlRoute(u)
	}
	return nil
}

// Lacks is "the database password" where neither the URL nor Getenv hold one,
// or name files of the user's; "" where they do not need them. It asks nobody.
func Lacks(o Options) string {
	u, err := parseURL(o.Conn)
	if o.Path != "" || err != nil {
		return ""
	}
	f := files{o.Confined}
	switch u.backend {
	case "postgresql":
		settings, _, err := postgresSettings(u, o.Getenv)
		if err == nil {
			err = f.confine(settings)
		}
		if lacks := lackingFiles(err); err != nil {
			return lacks
		}
		if settings["password"] == "" && settings["passfile"] == "" && settings["sslcert"] == "" {
			return "the database password"
		}
	case "mysql", "mariadb":
		_, _, err := mysqlConfig(u, f)
		return lackingFiles(err)
	}
	return ""
}

func lackingFiles(err error) string {
	if withheld(err) {
		return "the files that the settings of the database name"
	}
	return "" // to be said as it is
}

// points collects the addresses of a database.
type points []route.Point

// add lists a point once for each setting that has a say in its address and in
// how its certificate is checked.
func (l *points) add(p route.Point, by, pinBy []route.Setting) {
	if len(by) == 0 {
		by = []route.Setting{{}}
	}
	if len(pinBy) == 0 {
		pinBy = []route.Setting{{}}
	}
	for _, p.By = range by {
		for _, p.PinBy = range pinBy {
			if !slices.Contains(*l, p) {
				*l = append(*l, p)
			}
		}
	}
}
