"""Message definitions for bags, and one byte form for each message."""

from __future__ import annotations

import functools
from pathlib import Path

from ament_index_python import get_package_share_directory
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

_OWN_PACKAGES = ("audio_common_msgs", "sage_msgs")


@functools.cache
def typestore() -> Typestore:
    """The types of ROS 2 Jazzy and of this graph."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for package in _OWN_PACKAGES:
        register_package(store, package)
    return store


def register_package(store: Typestore, package: str) -> None:
    """Add the messages of an installed package.

    Raises:
        ament_index_python.PackageNotFoundError: the package is not installed.
    """
    types = {}
    for path in sorted(Path(get_package_share_directory(package), "msg").glob("*.msg")):
        types.update(get_types_from_msg(path.read_text(), f"{package}/msg/{path.stem}"))
    store.register({name: fields for name, fields in types.items() if name not in store.types})


def canonical(data: bytes, type_name: str) -> bytes:
    """The same serialized message with every padding byte zero.

    rmw_fastrtps leaves padding as it finds it, so equal messages differ in bytes.
    """
    store = typestore()
    return bytes(store.serialize_cdr(store.deserialize_cdr(data, type_name), type_name))
