"""What the words of a `policy` directive say, where rooms and engines both read it."""
