//go:build tools

// Package tools pins the version of Argo Rollouts' controller that the tests run.
package tools

import _ "github.com/argoproj/argo-rollouts/cmd/rollouts-controller"
