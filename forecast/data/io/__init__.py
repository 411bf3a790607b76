"""Files: reading and writing tables and archives.

tables        CSV, Parquet and Excel files as tables, and back
csv_table     a CSV file of any dialect as a table
csv_dialect   delimiter, header and decimal sign of a CSV file
arrow_cells   the cells of a CSV file by PyArrow
plain_cells   the same by the standard library, where PyArrow is not installed
parquet       Parquet files, by PyArrow
excel         workbooks, by openpyxl
multi_file    several files as one table
archive       named parts in one zip of JSON and safetensors; never pickle
field_types   whether fields that were read have their types
atomic_write  files written completely or not at all, and locks
"""
