//go:build tools

// Package tools pins the Temporal CLI (server 1.31.2 and UI) that Xyn builds when no other server can be had.
package tools

import _ "github.com/temporalio/cli/cmd/temporal"
