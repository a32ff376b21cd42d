//go:build tools

// Package tools pins the version of Flagger that the tests run.
package tools

import _ "github.com/fluxcd/flagger/cmd/flagger"
