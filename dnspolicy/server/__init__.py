"""Sockets, finished answers, and the front door that every query comes through."""
