package airflow

// OptionHome is where an option lives: its section and key.
type OptionHome struct{ Section, Key string }

// String writes the home as Airflow's messages do: "section/key".
func (h OptionHome) String() string { return h.Section + "/" + h.Key }

// ResolveOption returns the home that Airflow 3 looks an option up under and,
// where it has moved, the old home that still counts when the new one is not
// set. Asked for by its old name, an option is found under its new one
// (_resolve_deprecated_lookup). Section and key are in lower case.
func ResolveOption(section, key string) (home OptionHome, old *OptionHome) {
	asked := OptionHome{section, key}
	moves := movedOptions()
	for i := len(moves) - 1; i >= 0; i-- { // the last of two moves from one home counts
		if moves[i].old == asked {
			return moves[i].now, &asked
		}
	}
	for _, m := range moves {
		if m.now == asked {
			return asked, &m.old
		}
	}
	return asked, nil
}

type optionMove struct{ now, old OptionHome }

// movedOptions is Airflow's table deprecated_options, in its order.
func movedOptions() []optionMove {
	to := func(section, key, oldSection, oldKey string) optionMove {
		return optionMove{OptionHome{section, key}, OptionHome{oldSection, oldKey}}
	}
	return []optionMove{
		to("dag_processor", "dag_file_processor_timeout", "core", "dag_file_processor_timeout"),
		to("dag_processor", "refresh_interval", "scheduler", "dag_dir_list_interval"),
		to("api", "base_url", "webserver", "base_url"),
		to("api", "host", "webserver", "web_server_host"),
		to("api", "port", "webserver", "web_server_port"),
		to("api", "workers", "webserver", "workers"),
		to("api", "worker_timeout", "webserver", "web_server_worker_timeout"),
		to("api", "ssl_cert", "webserver", "web_server_ssl_cert"),
		to("api", "ssl_key", "webserver", "web_server_ssl_key"),
		to("api", "access_logfile", "webserver", "access_logfile"),
		to("triggerer", "capacity", "triggerer", "default_capacity"),
		to("api", "expose_config", "webserver", "expose_config"),
		to("fab", "access_denied_message", "webserver", "access_denied_message"),
		to("fab", "expose_hostname", "webserver", "expose_hostname"),
		to("fab", "navbar_color", "webserver", "navbar_color"),
		to("fab", "navbar_text_color", "webserver", "navbar_text_color"),
		to("fab", "navbar_hover_color", "webserver", "navbar_hover_color"),
		to("fab", "navbar_text_hover_color", "webserver", "navbar_text_hover_color"),
		to("api", "secret_key", "webserver", "secret_key"),
		to("api", "enable_swagger_ui", "webserver", "enable_swagger_ui"),
		to("dag_processor", "parsing_pre_import_modules", "scheduler", "parsing_pre_import_modules"),
		to("api", "grid_view_sorting_order", "webserver", "grid_view_sorting_order"),
		to("api", "log_fetch_timeout_sec", "webserver", "log_fetch_timeout_sec"),
		to("api", "hide_paused_dags_by_default", "webserver", "hide_paused_dags_by_default"),
		to("core", "num_dag_runs_to_retain_rendered_fields", "core", "max_num_rendered_ti_fields_per_task"),
		to("api", "page_size", "webserver", "page_size"),
		to("api", "default_wrap", "webserver", "default_wrap"),
		to("api", "auto_refresh_interval", "webserver", "auto_refresh_interval"),
		to("api", "require_confirmation_dag_change", "webserver", "require_confirmation_dag_change"),
		to("api", "instance_name", "webserver", "instance_name"),
		to("api", "log_config", "api", "access_logfile"),
		to("scheduler", "ti_metrics_interval", "scheduler", "running_metrics_interval"),
		to("api", "fallback_page_limit", "api", "page_size"),
		to("workers", "missing_dag_retries", "workers", "missing_dag_retires"),
		to("core", "execution_api_server_url", "workers", "execution_api_server_url"),
		to("database", "sql_alchemy_conn", "core", "sql_alchemy_conn"),
	}
}
