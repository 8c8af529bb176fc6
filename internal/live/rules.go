package live

import (
	"slices"

	"github.com/airlock-secrets/airlock/airflow"
	"github.com/airlock-secrets/airlock/internal/check"
)

// The rules, as findings and ignore comments name them.
const (
	ruleBackend     = "live-backend"
	ruleUntrusted   = "live-not-trusted"
	ruleUnreachable = "live-unreachable"
	ruleTLS         = "live-tls"
	ruleClock       = "live-clock"
	ruleLogin       = "live-login"
	rulePermission  = "live-permission"
	ruleMount       = "live-mount"
	ruleKVVersion   = "live-kv-version"
	ruleNoVersion   = "live-no-version"
	ruleToken       = "live-token"
	ruleTooWide     = "live-grant-too-wide"
	ruleMissing     = "live-missing"
	ruleMisnamed    = "live-misnamed"
	rulePrefix      = "live-sibling-prefix"
	ruleField       = "live-wrong-field"
	ruleBinary      = "live-binary"
	ruleUnreadable  = "live-unreadable"
	ruleConnection  = "live-connection"
	ruleLosesPart   = "live-connection-loses-part"
	ruleWhitespace  = "live-whitespace"
	rulePassedOver  = "live-passed-over"
	ruleHidden      = "live-hidden"
	ruleSkipped     = "live-skipped"
)

// What Airflow does, where several rules find the same.
const (
	readFails = "Each read fails, which Airflow logs (of a variable at level error, of a connection at level debug), and it asks the environment and its database."
	wrongPath = "Vault answers each read with 404, which counts as not found and is logged at level debug only, " +
		"or, where no policy allows the path, with 403, which is a failed read. Either way Airflow asks the environment and its database."
)

// Rules are what a live check can find. None has a Find: they are found by
// asking the stores.
func Rules() []check.Rule { return slices.Concat(serviceRules(), secretRules(), layerRules()) }

// serviceRules are about a store as a whole.
func serviceRules() []check.Rule {
	return []check.Rule{
		{ID: ruleBackend, Severity: check.Error, Title: "the secrets backend cannot be built from its settings",
			Why:     "The class or its kwargs are refused before anything is asked.",
			Airflow: "With a class that cannot be loaded or constructed Airflow does not start. Settings that fail later make each read fail, which Airflow logs (of a variable at level error, of a connection at level debug), and it asks the environment and its database."},
		{ID: ruleUntrusted, Severity: check.Error, Title: "the folder names an address that you have not trusted",
			Why: "A folder of somebody else's can name any server. airlock gives it only the credentials that are in the folder itself, and here those are not enough."},
		{ID: ruleUnreachable, Severity: check.Error, Title: "the store gives no answer",
			Why:     "The name does not resolve, nothing listens there, a firewall drops the packets, or the server is sealed or broken.",
			Airflow: readFails},
		{ID: ruleTLS, Severity: check.Error, Title: "the store's certificate is not taken",
			Why:     "Its authority is not known here, it is for another name, or its time is over.",
			Airflow: readFails},
		{ID: ruleClock, Severity: check.Error, Title: "this computer's clock is off",
			Why: "Signed requests and tokens hold a time, and a server refuses one that is too far from its own."},
		{ID: ruleLogin, Severity: check.Error, Title: "the log-in to the store fails",
			Why:     "The credentials are wrong, used up or expired, or the log-in method is elsewhere.",
			Airflow: readFails},
		{ID: rulePermission, Severity: check.Error, Title: "a grant is missing for a secret that DAGs need",
			Why:     "The caller is known, but may not read the secret. The fix is the smallest grant that lets it. It is a warning where the DAG has a default.",
			Airflow: "The read is refused, and Airflow asks the next layer, as if the secret were not there."},
		{ID: ruleMount, Severity: check.Error, Title: "nothing is where the settings point",
			Why:     "There is no KV engine at mount_point, or no such namespace.",
			Airflow: wrongPath},
		{ID: ruleKVVersion, Severity: check.Error, Title: "the KV engine is of the other version",
			Why:     "kv_engine_version is 2 unless it is set; the paths of the two versions differ.",
			Airflow: wrongPath},
		{ID: ruleNoVersion, Severity: check.Error, Title: "a secret is there, but has no version that can be read",
			Why:     "The secret was made without a value, or its latest version is deleted, destroyed or disabled.",
			Airflow: "It counts as not found or, in Azure Key Vault, as a failed read: Airflow asks the next layer."},
		{ID: ruleToken, Severity: check.Warning, Title: "the token will not last",
			Why: "With auth_type token nobody renews it."},
		{ID: ruleTooWide, Severity: check.Warning, Title: "the caller may do more than read",
			Why: "Airflow only reads secrets. Who takes its credentials can do whatever they can. Vault and Google tell what a caller may do; AWS and Azure do not, so that nothing is said of them."},
	}
}

// secretRules are about single secrets.
func secretRules() []check.Rule {
	return []check.Rule{
		{ID: ruleMissing, Severity: check.Error, Title: "no layer has what a DAG asks for",
			Why:     "Neither a backend nor the environment nor the database has it, and the DAG gives no default. Where the database cannot be seen from here it is a warning: what is made in Airflow's UI is there.",
			Airflow: raises[airflow.KindVariable] + " " + raises[airflow.KindConnection] + " " + raises[airflow.KindConfig]},
		{ID: ruleMisnamed, Severity: check.Error, Title: "a secret is there under a name that Airflow does not ask for",
			Why:     "It has another prefix, slash or separator, or that of another kind.",
			Airflow: "It is not found: Airflow asks for the exact name only, and then the next layer."},
		{ID: rulePrefix, Severity: check.Warning, Title: "a prefix holds nothing, a similar one does",
			Why:     "Names that differ by a leading slash or a folder are different names.",
			Airflow: "Nothing below the other prefix is ever asked for."},
		{ID: ruleField, Severity: check.Error, Title: "a secret does not have the field that Airflow reads",
			Why:     "A variable is read from the field value, a connection from conn_uri or from the fields of a connection.",
			Airflow: "A variable without the field value is not found, with a warning in the log; a connection with other fields is a failed read. Airflow asks the next layer."},
		{ID: ruleBinary, Severity: check.Error, Title: "a secret is binary",
			Why:     "SecretsManagerBackend reads SecretString, never SecretBinary.",
			Airflow: "It is not found: Airflow asks the next layer."},
		{ID: ruleUnreadable, Severity: check.Error, Title: "what a secret holds is not what the backend reads",
			Why: "It is not text in UTF-8, no JSON object, or empty."},
		{ID: ruleConnection, Severity: check.Error, Title: "a connection cannot be read",
			Why:     "Its URI or JSON is not one that Airflow's Connection takes.",
			Airflow: "Airflow cannot make a connection of it, which is a failed read, logged at level debug: it asks the next layer."},
		{ID: ruleLosesPart, Severity: check.Warning, Title: "a connection loses a part when it is read",
			Why: "A character that is not encoded ends the part before it, and what follows is dropped or read as something else."},
		{ID: ruleWhitespace, Severity: check.Warning, Title: "a variable has white space around its value",
			Why: "`echo VALUE |` adds a line break, which becomes a part of the secret."},
	}
}

// layerRules are about what the layers make of each other.
func layerRules() []check.Rule {
	return []check.Rule{
		{ID: rulePassedOver, Severity: check.Warning, Title: "a layer fails and a lower one answers in its place",
			Why:     "What is used may be older than what is meant.",
			Airflow: "Airflow logs the failure, of a variable at level error, of a connection at level debug, and takes the next layer's answer."},
		{ID: ruleHidden, Severity: check.Warning, Title: "a layer hides another one's value",
			Why:     "Two layers have the same id; the lower one's value is never used.",
			Airflow: "The first layer that answers wins: the backend, the environment, the database."},
		{ID: ruleSkipped, Severity: check.Note, Title: "something was not asked",
			Why: "What was not asked may be wrong or right: the check says nothing of it."},
	}
}
