// Package control connects the commands to the daemon that serves their data
// folder: HTTP over a Unix socket in the folder, for its owner alone.
//
// The daemon calls [Listen] with the stores it has open; a command calls
// [Dial] and gets stores that do what those do, with the same errors. Where no
// daemon runs, Dial answers [ErrNoDaemon] and the command opens the folder
// itself.
//
//	airlock.sock         0600  the socket
//	airlock.sock.path    0600  where it is instead, when the folder's path is too
//	                           long for a socket: in a folder of its own, 0700,
//	                           among the temporary files
//
// Both, and the folders that they are in, must be ours and nobody else's to
// change, and the system must say that the process which listens is ours: else
// Dial refuses with an [UntrustedError]. A folder may come from anywhere.
//
// Every call is POST /v1/<operation> with one JSON object each way; see the
// types request and answer. Names travel as bytes (base64), because a name
// need not be UTF-8.
package control
