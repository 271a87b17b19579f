# Which rules are lifted for the client and the name that is asked: none, unless the folder `exceptions` is loaded.
# dnspolicy-lint: ignore missing-metadata the folder of that name says it
package dnspolicy.exceptions

# By the rule of a candidate: why. Such a candidate is in shadow, and says so.
lifted[rule] := why if some [rule, why] in []
