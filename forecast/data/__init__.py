"""Data: tables of any layout become panels, the normal form of all series.

    panel              Panel: many series of one frequency, sorted, on a regular time grid
    to_panel           input validation: a table becomes a panel
    to_table           a panel back to a table of the user's layout
    schema             names and types of the columns of a user's table
    origin             where a table comes from, to name rows in messages
    table_layout       index levels and names of files become plain columns
    split_times        times split over columns become one column
    times_across       a table with times across the top becomes long
    column_names       names that say what a column is for
    column_roles       which columns are the id, the time and the target
    repeated_times     which columns tell the rows of one time apart
    parsing            ids and missing cells
    number_style       how numbers are written: decimal sign, grouping, currency signs
    number_columns     columns of numbers, by the evidence of all cells
    timestamps         columns of times
    text_times         the format of text times, by the evidence of all rows
    time_codes         whole numbers that are times: calendar codes, epochs, serial days
    time_formats       formats of times, read and written
    frequency          regular spacings of time, and the ordinals that count time in them
    infer_frequency    the frequency of timestamps, and those that break it
    grid               rows in any order on the regular time grid, with gaps filled
    gap_checks         gaps that are refused, and what they look like
    covariates         known and static covariates as inputs of a network
    future_covariates  known covariates of future rows, looked up by series and time
    holidays           public holidays as a calendar feature
    scaling            transform and scale of each series, and their inverse
    dataframes         tables of other libraries than pandas
    io/                files: CSV, Excel, Parquet, archives, atomic writes

These modules import nothing else of the package but `forecast.errors`.
"""
