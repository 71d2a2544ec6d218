"""Rows of the places that are known by name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from sage_common.core.errors import InvalidInput, nearest_name
from sage_memory.core.engine.database import upsert
from sage_memory.core.engine.schema import places
from sage_memory.core.places.named_place import NamedPlace, checked, grown, plain_name
from sage_memory.core.places.private import read_private, save_private


def place_of(values: Mapping[str, Any]) -> NamedPlace:
    """The place in a row.

    Raises:
        InvalidInput: a value is wrong, or of another type.
    """
    try:
        centre = float(values["x"]), float(values["y"]), float(values["z"])
        return checked(
            NamedPlace(
                values["name"], values["frame"], centre, float(values["radius_m"]),
                int(values["namings"]), int(values["last_ns"]),
            )
        )  # fmt: skip
    except (TypeError, ValueError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput("place", values, "text and numbers") from None


def read_places(connection: Connection) -> list[NamedPlace]:
    """Places by name; rows that are none are left out."""
    found = []
    private = read_private(connection)
    for row in connection.execute(select(places).order_by(places.c.name)).mappings():
        with suppress(InvalidInput):
            place = place_of(dict(row))
            found.append(replace(place, is_private=place.name in private))
    return found


def name_place(connection: Connection, again: NamedPlace) -> NamedPlace:
    """Take in a naming, in the caller's transaction; the place as it is then known."""
    wanted = select(places).where(places.c.name == again.name)
    row = connection.execute(wanted).mappings().one_or_none()
    place = again if row is None else grown(place_of(dict(row)), again)
    x, y, z = place.centre
    values = {
        "name": place.name, "frame": place.frame, "x": x, "y": y, "z": z,
        "radius_m": place.radius_m, "namings": place.namings, "last_ns": place.last_ns,
    }  # fmt: skip
    entry = upsert(connection, places).values(values)
    newer = {column: entry.excluded[column] for column in values if column != "name"}
    connection.execute(entry.on_conflict_do_update(index_elements=[places.c.name], set_=newer))
    return replace(place, is_private=place.name in read_private(connection))


def set_private(connection: Connection, name: str, is_private: bool) -> NamedPlace:
    """Make a place private or public, in the caller's transaction; the place as it then is.

    Raises:
        InvalidInput: there is none of this name; the nearest is named.
    """
    place = _known_place(connection, name)
    others = read_private(connection) - {place.name}
    save_private(connection, {*others, place.name} if is_private else others)
    return replace(place, is_private=is_private)


def forget_place(connection: Connection, name: str) -> NamedPlace:
    """Remove a place, in the caller's transaction; what was known of it.

    A place of this name that is known later is public.

    Raises:
        InvalidInput: there is none of this name; the nearest is named.
    """
    place = _known_place(connection, name)
    connection.execute(delete(places).where(places.c.name == place.name))
    if place.is_private:
        save_private(connection, read_private(connection) - {place.name})
    return place


def _known_place(connection: Connection, name: str) -> NamedPlace:
    known = {place.name: place for place in read_places(connection)}
    plain = plain_name(name)
    if plain not in known:
        nearest = f"; the nearest is {nearest_name(plain, known)!r}" if known else ""
        raise InvalidInput("name", name, f"a place that is known{nearest}")
    return known[plain]
