package e2e

// dagsClaims are short: TestAirflowDoesNotLoad and TestAirflowAsksAtImport
// let Airflow parse the very projects that the rules are shown with.
func dagsClaims(*lab) []claimed {
	const head = "from airflow.sdk import DAG\nfrom datetime import datetime\n"
	mask := func(what string) string {
		return `
from airflow.sdk.definitions.connection import Connection
from airflow.sdk.log import mask_secret
from airflow.sdk._shared.secrets_masker import redact
` + what
	}
	return []claimed{
		{rule: "dag-schedule-interval", code: "dag('''" + head + "DAG('d', start_date=datetime(2024, 1, 1), schedule_interval=None)''')",
			want: []string{"TypeError: DAG.__init__() got an unexpected keyword argument 'schedule_interval'"}, not: []string{"dag: imported"}},
		{rule: "dag-old-import", name: "module", code: "dag('from airflow.contrib.operators.ssh_operator import SSHOperator')",
			want: []string{"ModuleNotFoundError"}, not: []string{"dag: imported"}},
		{rule: "dag-old-import", name: "name", code: "dag('from airflow.utils.dates import days_ago')", want: []string{"Error"}, not: []string{"dag: imported"}},
		{rule: "dag-syntax", code: "dag('def broken(:')", want: []string{"SyntaxError"}, not: []string{"dag: imported"}},
		{rule: "dag-reads-at-import", code: `option("dag_processor", "min_file_process_interval")`, want: []string{"option: '30'"}},
		{rule: "dag-prints-secret", name: "a value as it is", code: mask(`mask_secret("plain-password", "password"); print("log:", redact("it is plain-password here"))`),
			want: []string{"log: it is *** here"}},
		{rule: "dag-prints-secret", name: "percent-encoded", code: mask(`mask_secret("pa/ss@word", "password"); print("log:", redact("postgres://u:pa%2Fss%40word@h"))`),
			want: []string{"pa%2Fss%40word"}},
		{rule: "dag-prints-secret", name: "four characters", code: mask(`mask_secret("abcd", "password"); print("log:", redact("it is abcd here"))`),
			want: []string{"log: it is abcd here"}},
	}
}
