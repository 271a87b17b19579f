"""The builtin functions a policy may call, and why others may not be called."""

from __future__ import annotations

from difflib import get_close_matches

_ONE = """
abs array.reverse base64.decode base64.encode base64.is_valid base64url.decode base64url.encode
base64url.encode_no_pad bits.negate ceil count floor glob.quote_meta hex.decode hex.encode intersection is_array
is_boolean is_null is_number is_object is_set is_string json.is_valid json.marshal json.unmarshal
lower max min net.cidr_expand net.cidr_is_valid object.keys object.union_n product round
sort strings.reverse sum time.clock time.date time.format time.parse_duration_ns
time.parse_rfc3339_ns time.weekday to_number trace trim_space type_name union upper
walk yaml.is_valid
yaml.unmarshal
"""
_TWO = """
array.concat bits.and bits.lsh bits.or bits.rsh bits.xor concat contains endswith format_int graph.reachable
graph.reachable_paths indexof indexof_n json.filter json.marshal_with_options json.patch json.remove
net.cidr_contains numbers.range object.filter object.remove object.subset object.union regex.match regex.split
semver.compare split sprintf startswith strings.any_prefix_match strings.any_suffix_match strings.count
trim trim_left trim_prefix trim_right trim_suffix
"""
_THREE = """
array.slice glob.match numbers.range_step object.get regex.find_all_string_submatch_n regex.find_n regex.replace
replace substring
"""
_FOUR = "time.add_date"

ARITY: dict[str, int] = {
    "time.now_ns": 0,
    **dict.fromkeys(_ONE.split(), 1),
    **dict.fromkeys(_TWO.split(), 2),
    **dict.fromkeys(_THREE.split(), 3),
    **dict.fromkeys(_FOUR.split(), 4),
}
"""What may be called, with the number of arguments; `print` takes any number and says nothing in the server."""

CLOCKS = frozenset({"time.now_ns"})
"""Builtins whose result changes though nothing they are given does."""

GROWS = frozenset({"numbers.range", "numbers.range_step", "net.cidr_expand"})
"""Builtins that make large values out of small ones; their arguments must be constant."""

UNBOUNDED = frozenset({"graph.reachable_paths", "json.match_schema", "json.verify_schema", "yaml.unmarshal"})
"""Builtins whose single call can take any time: paths multiply, patterns of a schema backtrack, aliases repeat."""

_NETWORK = "a decision must not wait for the network; put what it needs into data"
_CHANCE = "a decision must not depend on chance"
_OTHER = "the embedded engine says something else than Open Policy Agent"
_ABSENT = "the embedded engine does not have it"
_REASONS = {
    "strings.replace_n": "the embedded engine replaces in what it has replaced already; call replace for each",
    "semver.is_valid": f"{_OTHER} of v1.2.3 and 01.2.3; write regex.match",
    "json.match_schema": f"{_OTHER} about what does not match",
    "json.verify_schema": f"{_OTHER} about what is wrong",
    "regex.is_valid": f"{_OTHER} of patterns such as a{{,2}}",
    "regex.template_match": f"{_OTHER} of templates that are not in order; write regex.match",
    "time.diff": f"{_OTHER} about months of different lengths; subtract nanoseconds",
    "time.parse_ns": f"{_OTHER} of texts that do not have the layout; write time.parse_rfc3339_ns",
    "units.parse": f"{_OTHER} of units such as n and Z; write the number",
    "units.parse_bytes": f"{_OTHER} of fractions; write the number",
    "uuid.parse": f"{_OTHER} about versions and variants",
    "yaml.marshal": f"{_OTHER} with other quotes; write json.marshal",
    **dict.fromkeys(
        ("urlquery.decode", "urlquery.decode_object", "urlquery.encode", "urlquery.encode_object"),
        f"{_OTHER} of signs such as = and !",
    ),
    "http.send": _NETWORK,
    "net.lookup_ip_addr": _NETWORK,
    "providers.aws.sign_req": _NETWORK,
    "opa.runtime": "the server's own environment is not the policy's business",
    "rand.intn": _CHANCE,
    "uuid.rfc4122": _CHANCE,
    "time.now": "write time.now_ns()",
    **dict.fromkeys(
        ("any", "all", "re_match", "set_diff", "cast_array", "cast_set", "cast_string", "cast_boolean", "cast_object"),
        "it is not part of Rego v1",
    ),
}
_ABSENT_FAMILIES = ("crypto.", "io.jwt.", "graphql.", "rego.", "uri.", "internal.", "providers.")
_ABSENT_NAMES = {
    "array.flatten", "net.cidr_contains_matches", "net.cidr_intersects", "net.cidr_merge", "net.cidr_overlap",
    "regex.globs_match", "strings.render_template", "strings.split_n",
}  # fmt: skip


def is_builtin(name: str) -> bool:
    """Whether a function is a builtin of Rego at all, allowed or not."""
    return name in ARITY or name == "print" or reason(name) is not None


def reason(name: str) -> str | None:
    """Why a builtin may not be called; None when it may, or is none."""
    if name in _REASONS:
        return _REASONS[name]
    if name in _ABSENT_NAMES or name.startswith(_ABSENT_FAMILIES):
        return _ABSENT
    return None


def nearest(name: str) -> str:
    """A remedy for an unknown function."""
    close = get_close_matches(name, ARITY, 1)
    return f"did you mean {close[0]}?" if close else "no builtin has a name like it"
