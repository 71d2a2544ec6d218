"""Where the trained models lie."""

from __future__ import annotations

import os
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from sage_encoders.core.card import ModelError

VARIABLE = "SAGE_MODELS"


def models_folder(parameter: str = "") -> Path:
    """The folder of the models: `parameter`, else $SAGE_MODELS, else the installed ones.

    Raises:
        ModelError: it does not exist.
    """
    chosen = parameter or os.environ.get(VARIABLE, "")
    try:
        share = chosen or str(Path(get_package_share_directory("sage_encoders")) / "models")
    except PackageNotFoundError as error:
        raise ModelError(
            f"no models: sage_encoders is not installed, and neither the parameter models_dir "
            f"nor {VARIABLE} is set"
        ) from error
    folder = Path(share).expanduser()
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder of models")
    return folder
