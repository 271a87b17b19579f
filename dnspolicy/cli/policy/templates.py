"""What `dnspolicy policy new` writes, made of a starter and what is the same for all."""

from __future__ import annotations

from dnspolicy.cli.policy.starters import CONTENTS, Template

CANDIDATES = """\
package dnspolicy

import data.dnspolicy.KEY.verdict

candidates contains candidate if candidate := verdict
"""
HEAD = """\
# METADATA
# title: TITLE
# description: ABOUT
# scope: package
# schemas:
#   - input: schema.input
package dnspolicy.KEY

"""
README = """\
# NAME

ABOUT

## When to use it

Say here for whom this is, and for whom it is not.

## Data

[sample/data.json](sample/data.json), below the key `KEY`. The sample is never read by the policy; your own data go into
`data.json` at the top of a folder that is loaded:

| key | what |
| --- | --- |
ROWS

## Rules

| rule | action | tier | |
| --- | --- | --- | --- |
DECIDED

## Try it

With the folder `policies/lib`, which makes one decision of what all policies say:

```
dnspolicy policy test NAME
dnspolicy policy lint NAME
dnspolicy policy cost policies/lib NAME
```
"""


def files(template: Template, name: str) -> dict[str, str]:
    """Path below the new folder → text."""
    content = CONTENTS[template]
    key = name.replace("-", "_")
    tests = f"package dnspolicy_{key}_test\n\nimport data.dnspolicy.{key}.verdict\n\n{content.tests}"
    made = {
        "policy.rego": HEAD + content.rules,
        "candidates.rego": CANDIDATES,
        "policy_test.rego": tests,
        "README.md": README,
        "sample/data.json": content.data,
    }
    words = {
        "TITLE": content.title,
        "ABOUT": content.about,
        "ROWS": content.rows,
        "DECIDED": content.decided,
        "NAME": name,
        "KEY": key,
    }
    for word, text in words.items():
        made = {path: old.replace(word, text) for path, old in made.items()}
    return made
