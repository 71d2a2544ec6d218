"""Where the trained models lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from sage_encoders.core.card import ModelError

VARIABLE = "SAGE_MODELS"
PACKAGE = "sage_encoders"


def models_folder(parameter: str = "") -> Path:
    """The folder of the models: `parameter`, else $SAGE_MODELS, else the installed ones.

    Raises:
        ModelError: it does not exist.
    """
    share = parameter or os.environ.get(VARIABLE, "") or _installed()
    folder = Path(share).expanduser()
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder of models")
    return folder


def _installed() -> str:
    """As ament finds them, else beside this interpreter: plain Python is told no AMENT_PREFIX_PATH.

    Raises:
        ModelError: in neither place.
    """
    try:
        return str(Path(get_package_share_directory(PACKAGE), "models"))
    except (PackageNotFoundError, OSError) as error:  # OSError: the variable is not set
        beside = Path(sys.prefix, "share", PACKAGE, "models")
        if beside.is_dir():
            return str(beside)
        raise ModelError(
            f"no models: {PACKAGE} is not installed, and neither the parameter models_dir "
            f"nor {VARIABLE} is set"
        ) from error
