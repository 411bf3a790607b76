"""One file for each foreign system, imported when it is asked for."""
