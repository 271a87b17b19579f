# The policy to begin with: everything is answered as before, and everything is recorded.
package dnspolicy

decision := {
	"action": "allow",
	"rule": "start/all",
	"reason": "nothing is restricted yet",
}
