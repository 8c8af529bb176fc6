// Package filestore reads variables, connections and options from local files,
// as airflow.secrets.local_filesystem.LocalFilesystemBackend does: one file
// for each kind, in JSON, YAML or env format, told apart by the name's
// extension. A file is read anew at every request, so that a change counts at
// once, and a mistake anywhere in a file fails every request to it.
//
// A name is the kind, "/" and the key as the file has it: "variable/x". A
// payload is the text of a string, or the JSON text of any other value.
//
// YAML is what PyYAML's safe_load takes for it, YAML 1.1: yes and off are
// booleans, 010 is eight, 1:30 is ninety. It is read with yaml.v3, which is
// a port of the very parser that PyYAML uses.
package filestore
