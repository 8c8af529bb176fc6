"""Write the catalogue of configuration options of the installed Airflow.

Facts only: section, key, default, whether the option is sensitive, where it
used to live. With --write FILE the catalogue goes to FILE; without, one JSON
object with the catalogue and the two tables kept in Go goes to standard
output, for the test that compares them.
"""

import json
import sys
from configparser import ConfigParser

from airflow._shared.configuration.parser import configure_parser_from_configuration_description
from airflow.configuration import conf, get_all_expansion_variables
from airflow.version import version

# What a default may refer to; Airflow knows these only when it runs.
LATE = {"AIRFLOW_HOME": "\x00home\x00", "SECRET_KEY": "\x00key\x00"}


def defaults(description):
    parser = ConfigParser()
    names = {**get_all_expansion_variables(), "FERNET_KEY": "", "JWT_SECRET_KEY": "", **LATE}
    configure_parser_from_configuration_description(parser, description, names)
    return parser


def describe(section, key, option, parsers):
    entry = {}
    for parser in parsers:
        value = parser.get(section, key, fallback=None)
        if value is not None:
            for name, mark in LATE.items():
                if mark in value:
                    assert "{" + name + "}" not in value
                    value = value.replace(mark, "{" + name + "}")
                    entry["template"] = True
            entry["default"] = value
            break
    if (section, key) in conf.sensitive_config_values:
        entry["sensitive"] = True
    if option.get("version_deprecated") or option.get("deprecation_reason"):
        entry["deprecated"] = True
    return entry


def catalogue():
    parsers = [
        defaults(conf._configuration_description),
        defaults(conf._provider_metadata_configuration_description),
        conf._provider_cfg_config_fallback_default_values,
    ]
    lines = [f'"": {{"airflow": "{version}"}}']
    for section, body in sorted(conf.configuration_description.items()):
        for key, option in sorted(body["options"].items()):
            name = f"{section}/{key}".lower()
            entry = describe(section, key, option, parsers)
            lines.append(json.dumps(name) + ": " + json.dumps(entry, sort_keys=True))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main():
    assert not conf.deprecated_sections, "whole sections moved: OptionHome does not know that"
    if sys.argv[1:2] == ["--write"]:
        with open(sys.argv[2], "w") as file:
            file.write(catalogue())
        return
    moved = [[*new, *old[:2]] for new, old in conf.deprecated_options.items()]
    sensitive = sorted("/".join(pair) for pair in conf.sensitive_config_values)
    print(json.dumps({"options": catalogue(), "moved": moved, "sensitive": sensitive}))


main()
