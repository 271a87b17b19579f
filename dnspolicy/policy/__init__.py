"""Pure decisions: what a policy is told, what it may answer, and what follows from it."""
