"""The language of CoreDNS's `firewall` blocks: rule lists of actions and conditions.

They mean what they meant, but what is not known never opens anything: a condition is true, false or unknown. `allow`
needs one that is true; `block`, `refuse` and `drop` need one that is not false.
"""

from dnspolicy.policy.firewall.rules import Asked, Direction, Listed, Rule, RuleList, rule_of

__all__ = ["Asked", "Direction", "Listed", "Rule", "RuleList", "rule_of"]
