"""Small looks at Linux' /proc that keep the interpreter.

Beside a thread that spins in Python, each call that gives the interpreter up waits for it to come
back, for a switch interval or longer; `open`, `os.stat` and `os.listdir` give it up many times, for
calls into the kernel that take microseconds. These here do not.
"""

from __future__ import annotations

import ctypes
import os

_AT_FDCWD = -100
_STATX_NLINK = 0x4
_CHUNK = 4096
_LIBC = ctypes.PyDLL(None, use_errno=True)  # as CDLL, but calls keep the interpreter
_LIBC.opendir.restype = ctypes.c_void_p
_LIBC.closedir.argtypes = [ctypes.c_void_p]


class _Entry(ctypes.Structure):
    """`struct dirent` of a 64-bit Linux; see readdir(3)."""

    _fields_ = (
        ("inode", ctypes.c_uint64),
        ("offset", ctypes.c_int64),
        ("length", ctypes.c_ushort),
        ("kind", ctypes.c_ubyte),
        ("name", ctypes.c_char * 256),
    )


class _Status(ctypes.Structure):
    """The beginning of `struct statx`, 256 bytes; see statx(2)."""

    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("block_size", ctypes.c_uint32),
        ("attributes", ctypes.c_uint64),
        ("links", ctypes.c_uint32),
        ("rest", ctypes.c_ubyte * 236),
    )


_LIBC.readdir.restype = ctypes.POINTER(_Entry)
_LIBC.readdir.argtypes = [ctypes.c_void_p]


def read(path: str) -> bytes:
    """All of a file; raises OSError: it cannot be read, or what it is about has ended."""
    file = _LIBC.open(path.encode(), os.O_RDONLY | os.O_CLOEXEC)
    if file < 0:
        raise _error(path)
    try:
        buffer, found = ctypes.create_string_buffer(_CHUNK), b""
        while (size := _LIBC.read(file, buffer, _CHUNK)) > 0:
            found += buffer.raw[:size]
        if size < 0:
            raise _error(path)
        return found
    finally:
        _LIBC.close(file)


def numbers(path: str) -> list[int]:
    """The entries of a folder that are numbers; raises OSError: there is no such folder."""
    folder = _LIBC.opendir(path.encode())
    if not folder:
        raise _error(path)
    try:
        found = []
        while entry := _LIBC.readdir(folder):
            name = entry.contents.name
            if name.isdigit():
                found.append(int(name))
        return found
    finally:
        _LIBC.closedir(folder)


def links(path: str) -> int:
    """How many hard links a folder has, its folders among them; raises OSError: there is none."""
    status = _Status()
    if _LIBC.statx(_AT_FDCWD, path.encode(), 0, _STATX_NLINK, ctypes.byref(status)):
        raise _error(path)
    return int(status.links)


def _error(path: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), path)
