"""What nothing inside its process can stop."""

from __future__ import annotations

PAIRS = "\n".join(f"\ta{n} := [a{n - 1}, a{n - 1}]\n\tb{n} := [b{n - 1}, b{n - 1}]" for n in range(1, 50))
"""Lines of a rule that make `a49` and `b49` of `a0` and `b0`: small, since they share their parts, and if the first two
are alike, a comparison without end."""
