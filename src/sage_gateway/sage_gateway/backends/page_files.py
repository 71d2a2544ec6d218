"""The files of the page, read once: what is not among them cannot be asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

INDEX = "index.html"
MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "woff2": "font/woff2",
}


@dataclass(frozen=True)
class PageFile:
    """One file, its media type and what its content is known by."""

    data: bytes
    media_type: str
    etag: str


def page_files(folder: Traversable | None = None) -> dict[str, PageFile]:
    """Every file by its path within the folder; without one: the page of this package."""
    root = files("sage_gateway").joinpath("page") if folder is None else folder
    return dict(_in(root, "")) if root.is_dir() else {}


def _in(folder: Traversable, prefix: str) -> list[tuple[str, PageFile]]:
    found = []
    for item in folder.iterdir():
        if item.is_dir():
            found += _in(item, f"{prefix}{item.name}/")
        elif media_type := MEDIA_TYPES.get(item.name.rpartition(".")[2]):
            data = item.read_bytes()
            etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
            found.append((prefix + item.name, PageFile(data, media_type, etag)))
    return found
