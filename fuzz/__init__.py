"""A fuzzer of what is read: tables in thousands of styles, and damaged files.

    python -m fuzz                     # both, until enough are done; goes on where it was stopped
    python -m fuzz replay tables 1234  # one example again, with what was meant and what was read

numbers       numbers as people write them, and all ways to read them
times         times as people write them
content       what a table means: series of times and values
style         how a table is written, and when a reader may refuse it
writing       the bytes of a table
reading       what the package reads, compared with what was meant
simplify      the plainest table with the same fault
originals     sound files to be damaged
damage        the same with damage
loading       what the package makes of a damaged file
runs          many examples, in batches and processes
"""
