"""Hardware and heavy libraries, each imported when it is first used."""
