"""How each room is built from its typed configuration and the site it stands on. The table is `app/directives.py`."""
