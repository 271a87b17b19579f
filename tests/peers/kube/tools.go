//go:build tools

// Package kube names the programs that are built from this module, so that go.sum covers all they need.
package kube

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver/app"
	_ "k8s.io/kubectl/pkg/cmd"
)
