"""Conditions that operators write: a small typed language, the part of expr-lang that CoreDNS describes for views.

An expression is read, its types are checked and it is turned into closures once; running it can only fail in the ways
`Expression.run` names.
"""

from dnspolicy.corefile.expression.parser import Expression, compile_expression
from dnspolicy.corefile.expression.values import Call, ExpressionError, Function, Kind, Run

__all__ = ["Call", "Expression", "ExpressionError", "Function", "Kind", "Run", "compile_expression"]
