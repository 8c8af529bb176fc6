// Package program runs programs for the rest of airlock: nothing else outside
// of tests starts one, but the command exec, which becomes what the user typed.
//
// # Whose word it is
//
// A program runs on the user's word only: the process environment says so, or
// a file that is the user's own. A [Word] says whose word a setting is and
// where it stands. The words of every setting that has a say are joined (what
// permits the program, what names it, the file that holds its name), and one
// that is not the user's is enough for the program not to run. The zero Word
// is nobody's: a caller that forgets to say whose word it is runs nothing.
//
// # What it gets
//
// A program is found in the absolute folders of the PATH of the process. It
// gets the environment of the process, nothing to read, a session of its own
// without a terminal, and an end: what it may print and how long it may take
// are bounded, and its children end with it.
package program
