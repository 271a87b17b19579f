//go:build tools

// Package etcd names the program that is built from this module, so that go.sum covers all it needs.
package etcd

import _ "go.etcd.io/etcd/server/v3/etcdmain"
