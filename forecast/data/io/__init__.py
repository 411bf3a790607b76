"""Files: tables in and out, archives of arrays, writing whole or not at all."""
