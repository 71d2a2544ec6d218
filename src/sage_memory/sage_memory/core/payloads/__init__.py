"""Verbatim sensor data on disk: files named by their content, under a byte cap."""

from sage_memory.core.payloads.cache import PayloadCache
from sage_memory.core.payloads.cap import OPEN_COPY, PayloadRules
from sage_memory.core.payloads.files import EXTENSIONS, PayloadFiles, Seal

__all__ = ["EXTENSIONS", "OPEN_COPY", "PayloadCache", "PayloadFiles", "PayloadRules", "Seal"]
