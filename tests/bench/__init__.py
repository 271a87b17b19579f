"""`make bench`: dnspolicy beside Unbound, Knot and CoreDNS, one after the other on one core, asked from another.

Nothing here is a test; it measures. `works` says what is asked, `peers` how each server is set up for it, `load` how
the questions are sent, `servers` how a server is started, pinned and weighed, `report` how the figures are shown.
"""
