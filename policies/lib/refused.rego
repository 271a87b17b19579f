# What the server refuses to load: by a key of the data, what is wrong with it. No question is there yet, and documents of
# feeds are `{}`. An Open Policy Agent that has these policies does not look at it.

# METADATA
# title: Data that cannot be loaded
# scope: package
# schemas:
#   - input: schema.input
package dnspolicy

refused["rollout"] := concat(" ", [
	"roll-out data, and the policies that read them are not loaded;",
	"load the folder `roll-out` of the library too, or take `rollout` out of the data",
]) if {
	type_name(data.rollout)
	not data.dnspolicy.rollout.loaded
}
