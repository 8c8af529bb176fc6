package e2e

// notJSON is what Airflow logs of kwargs that it cannot read.
const notJSON = "Failed to parse [secrets] backend_kwargs as JSON, defaulting to no kwargs."

// notLoaded is what ends Airflow where a class is not there.
const notLoaded = `AirflowConfigException: The object could not be loaded. Please check "backend" key in "secrets" section.`

func textClaims(*lab) []claimed {
	defaults := []string{notJSON, "prefix: /airflow/variables"}
	const prefix = `print("prefix:", backend().variables_prefix)`
	return []claimed{
		{rule: "quoted-value", name: "class", env: configured(`"`+ssmClass+`"`, ""), code: `option("core", "dags_folder")`, want: []string{notLoaded}},
		{rule: "quoted-value", name: "kwargs", env: configured(ssmClass, `'{"variables_prefix": "/mine"}'`), code: prefix, want: defaults},
		{rule: "surrounding-whitespace", env: configured(ssmClass+" ", ""), code: `option("core", "dags_folder")`, want: []string{notLoaded}},
		{rule: "kwargs-not-json", env: configured(ssmClass, `{"variables_prefix": "/mine"`), code: prefix, want: defaults},
		{rule: "kwargs-python-literal", env: configured(ssmClass, `{"variables_prefix": "/mine", "config_prefix": None}`), code: prefix, want: defaults},
	}
}
