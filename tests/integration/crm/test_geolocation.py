"""Where addresses are: stored coordinates, and distances in queries."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .test_rest import DATA, make

PLACES = {
    "Geo Ferry Building": (37.795, -122.394),
    "Geo Oakland": (37.804, -122.271),
    "Geo Tokyo": (35.681, 139.767),
    "Geo Nowhere": (None, None),
}
CITY = "GEOLOCATION(37.775, -122.418)"


async def rows(http: httpx2.AsyncClient, query: str) -> list[Any]:
    answer = await http.get(f"{DATA}/query", params={"q": query})
    assert answer.status_code == 200, answer.text
    return answer.json()["records"]


@pytest.fixture
async def accounts(admin: httpx2.AsyncClient) -> AsyncIterator[dict[str, str]]:
    """Accounts at the places, by name."""
    made: dict[str, str] = {}
    for name, (latitude, longitude) in PLACES.items():
        made[name] = await make(
            admin, "Account", Name=name, BillingLatitude=latitude, BillingLongitude=longitude, ShippingLatitude=0,
            ShippingLongitude=0,
        )  # fmt: skip
    yield made
    for record_id in made.values():
        await admin.delete(f"{DATA}/sobjects/Account/{record_id}")


async def names(http: httpx2.AsyncClient, rest: str) -> list[str]:
    found = await rows(http, f"SELECT Name FROM Account WHERE Name LIKE 'Geo %' {rest}")
    return [row["Name"].removeprefix("Geo ") for row in found]


async def test_records_are_found_and_ordered_by_distance(
    admin: httpx2.AsyncClient, accounts: dict[str, str]
) -> None:
    distance = f"DISTANCE(BillingAddress, {CITY}, 'mi')"
    assert await names(admin, f"AND {distance} < 5") == ["Ferry Building"]
    assert set(await names(admin, f"AND {distance} < 20")) == {"Ferry Building", "Oakland"}
    assert await names(admin, f"AND {distance} > 20") == ["Tokyo"]
    ordered = ["Tokyo", "Oakland", "Ferry Building", "Nowhere"]
    assert await names(admin, f"ORDER BY {distance} DESC NULLS LAST") == ordered
    assert await names(admin, f"AND DISTANCE(BillingAddress, {CITY}, 'km') < 5") == ["Ferry Building"]
    away = "DISTANCE(BillingAddress, ShippingAddress, 'km')"
    assert set(await names(admin, f"AND {away} > 13000")) == {"Tokyo"}


async def test_a_distance_can_be_selected_and_reaches_over_parents(
    admin: httpx2.AsyncClient, accounts: dict[str, str]
) -> None:
    contact = await make(admin, "Contact", LastName="Geo", AccountId=accounts["Geo Tokyo"])
    (row,) = await rows(
        admin,
        f"SELECT DISTANCE(Account.BillingAddress, {CITY}, 'km') far, DISTANCE(Account.BillingAddress, {CITY}, 'mi')"
        f" FROM Contact WHERE Id = '{contact}'",
    )
    assert row["far"] == pytest.approx(8271, rel=0.003)
    assert row["expr0"] == pytest.approx(row["far"] / 1.609344, rel=0.0001)
    (same,) = await rows(
        admin,
        "SELECT DISTANCE(BillingAddress, GEOLOCATION(35.681, 139.767), 'km') d FROM Account"
        f" WHERE Id = '{accounts['Geo Tokyo']}'",
    )
    assert same["d"] == pytest.approx(0, abs=1e-6)
    await admin.delete(f"{DATA}/sobjects/Contact/{contact}")


async def test_coordinates_are_parts_of_the_address(
    admin: httpx2.AsyncClient, accounts: dict[str, str]
) -> None:
    path = f"{DATA}/sobjects/Account/{accounts['Geo Tokyo']}"
    await admin.patch(path, json={"BillingCity": "Tokyo", "BillingGeocodeAccuracy": "Street"})
    read = (await admin.get(path)).json()
    assert read["BillingAddress"] == {
        "city": "Tokyo", "country": None, "geocodeAccuracy": "Street", "latitude": 35.681, "longitude": 139.767,
        "postalCode": None, "state": None, "street": None,
    }  # fmt: skip
    described = {
        item["name"]: item for item in (await admin.get(f"{DATA}/sobjects/Account/describe")).json()["fields"]
    }
    latitude = described["BillingLatitude"]
    assert (latitude["compoundFieldName"], latitude["precision"], latitude["scale"]) == (
        "BillingAddress",
        18,
        15,
    )
    assert described["BillingAddress"]["queryByDistance"] is True


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"BillingLatitude": 90.5}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"BillingLatitude": -91}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"ShippingLongitude": 180.001}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"BillingGeocodeAccuracy": "Somewhere"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
    ],
)
async def test_no_place_beyond_the_poles(
    admin: httpx2.AsyncClient, values: dict[str, Any], code: str
) -> None:
    answer = await admin.post(f"{DATA}/sobjects/Account", json={"Name": "Geo Beyond"} | values)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
