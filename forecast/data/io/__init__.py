"""Files: reading and writing tables and archives.

tables        CSV, Parquet and Excel files as tables, and back
csv_dialect   delimiter, header and decimal sign of a CSV file
excel         workbooks, by openpyxl
multi_file    several files as one table
archive       named parts in one zip of JSON and safetensors; never pickle
field_types   whether fields that were read have their types
atomic_write  files written completely or not at all, and locks
"""
