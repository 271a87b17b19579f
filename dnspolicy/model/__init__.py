"""Frozen values that every other part speaks in. Imports nothing of the project outside this folder."""
