// Package archtest holds no code: its test fails when a direct import breaks
// the rules of the layers. They are in the table of the test.
package archtest
