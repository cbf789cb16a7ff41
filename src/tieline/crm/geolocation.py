"""Places on the earth, and how far it is from one to another."""

from __future__ import annotations

from collections.abc import Mapping

RADIUS: Mapping[str, float] = {"mi": 3958.7613, "km": 6371.0088}
"""The earth's mean radius by the units that DISTANCE knows."""
MOST_LATITUDE, MOST_LONGITUDE = 90, 180


def distance_sql(start: tuple[str, str], end: tuple[str, str], radius: float) -> str:
    """The way between two places, each the SQL of its latitude and longitude; null where either has none.

    Haversine: it stays exact for places close together.
    """
    (lat1, long1), (lat2, long2) = start, end
    half = (
        f"power(sin(radians({lat2} - {lat1}) / 2), 2) + cos(radians({lat1})) * cos(radians({lat2}))"
        f" * power(sin(radians({long2} - {long1}) / 2), 2)"
    )
    # Greatest and least pass over nulls, which a multiplication in front of them does not.
    return f"({2 * radius!r}::float8 * asin(sqrt(CASE WHEN {half} > 1 THEN 1 ELSE {half} END)))"
