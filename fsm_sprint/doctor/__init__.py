"""What is missing or dangerous on this machine, found out by looking, with the standard library alone."""
