"""Bytes ⇄ values. Pure: no sockets, no clocks. The only importer of dnslib."""
