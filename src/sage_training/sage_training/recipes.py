"""The models that can be trained, by name. Looking one up needs PyTorch; knowing the names not."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from sage_common.core.errors import InvalidInput
from sage_encoders.core.card import ModelError

if TYPE_CHECKING:
    from sage_training.recipe import Recipe

RECIPES = {
    "vision": "vision.recipe:Vision",
    "audio": "audio.recipe:Audio",
    "sounds": "sounds.recipe:SoundRecipe",
    "language": "language.recipe:Language",
    "tiny_vae": "tiny_vae.recipe:TinyVaeRecipe",
    "light_vae": "light_vae.recipe:LightVaeRecipe",
    "vision_reference": "vision.recipe:VisionReference",
    "audio_reference": "audio.recipe:AudioReference",
}
_NEEDED = ("torch", "onnx", "onnxscript", "safetensors", "efficientnet_lite_pytorch")


def recipe_type(name: str) -> type[Recipe]:
    """The recipe of that name.

    Raises:
        InvalidInput: no such recipe.
        ModelError: what training needs is not installed.
    """
    if name not in RECIPES:
        raise InvalidInput("model", name, f"one of {', '.join(RECIPES)}")
    missing = [package for package in _NEEDED if find_spec(package) is None]
    if missing:
        raise ModelError(
            f"training needs {', '.join(missing)}: install what requirements/train.in lists "
            "(in a checkout: make train-environment)"
        )
    module, kind = RECIPES[name].split(":")
    found = getattr(import_module(f"sage_training.{module}"), kind)
    return cast("type[Recipe]", found)
