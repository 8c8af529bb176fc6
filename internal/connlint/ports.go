package connlint

import "strings"

// typeName is the type that a URI's scheme stands for
// (Connection._normalize_conn_type).
func typeName(scheme string) string {
	name := strings.ReplaceAll(strings.ToLower(scheme), "-", "_")
	if name == "postgresql" {
		return "postgres"
	}
	return name
}

// foreignPort is the system whose own port it is, where the type certainly is
// another system with a port of its own, or has no port at all; else empty.
// Types that reach any system (jdbc, odbc, generic, ssh) and any that are not
// known are left alone.
func foreignPort(scheme, port string) string {
	owners := map[string]string{
		"5432": "postgres", "3306": "mysql", "1433": "mssql", "1521": "oracle", "6379": "redis", "27017": "mongo",
	}
	owner := owners[port]
	name := typeName(scheme)
	if owner == "" || name == owner {
		return ""
	}
	switch name {
	case "postgres", "mysql", "mssql", "oracle", "redis", "mongo", "http", "https", "ftp", "sftp", "smtp", "imap",
		"aws", "s3", "google_cloud_platform", "snowflake", "databricks", "wasb", "adls", "azure_data_lake", "slack",
		"slackwebhook", "elasticsearch", "cassandra", "neo4j", "kafka", "sqlite", "salesforce", "docker", "trino", "presto":
		return strings.NewReplacer("postgres", "PostgreSQL", "mysql", "MySQL", "mssql", "SQL Server", "oracle", "Oracle",
			"redis", "Redis", "mongo", "MongoDB").Replace(owner)
	}
	return ""
}
