"""Message definitions for bags, and one byte form for each message."""

from __future__ import annotations

import functools
import struct
from pathlib import Path

from ament_index_python import PackageNotFoundError, get_package_share_directory
from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from sage_common.core.errors import InvalidInput

_CDR_HEADER_BYTES = 4
_ENCAPSULATIONS = (b"\x00\x00", b"\x00\x01")
_OWN_PACKAGES = ("audio_common_msgs", "sage_msgs", "vision_msgs")


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


def definition(type_name: str) -> str:
    """The text of a message's definition, those that it is made of included.

    Raises:
        InvalidInput: it is not installed.
    """
    store = typestore()
    try:
        if type_name not in store.types:
            register_package(store, type_name.split("/")[0])
        text, _ = store.generate_msgdef(type_name, ros_version=2)
    except (KeyError, TypesysError, PackageNotFoundError) as error:
        raise InvalidInput("type", type_name, "an installed message type") from error
    return str(text)


def canonical(data: bytes, type_name: str) -> bytes:
    """The same serialized message with every padding byte zero and nothing after its end.

    rmw_fastrtps leaves padding as it finds it, so equal messages differ in bytes, and adds up to
    8 bytes after a message that ends in empty sequences, which rosbags' own reader refuses.

    Raises:
        InvalidInput: not CDR of that type.
    """
    store = typestore()
    definition = store.get_msgdef(type_name)
    if data[:2] not in _ENCAPSULATIONS:
        raise InvalidInput("message", data[:4], "plain CDR")
    little_endian = data[1] == 1
    read = definition.deserialize_cdr_le if little_endian else definition.deserialize_cdr_be
    try:
        message, _ = read(data[_CDR_HEADER_BYTES:], 0, definition.cls, store)
    except (struct.error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput("message", data[:16], f"a {type_name}: {error}") from error
    return bytes(store.serialize_cdr(message, type_name))
