from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "sage_encoders"
SENSES = ("vision", "audio", "language", "proprioception")
ROBOT = ("scan", "cloud", "odometry", "battery", "diagnostics")
MODALITIES = (*SENSES, *ROBOT)
EXECUTABLES = {name: name for name in SENSES} | {name: f"robot.{name}" for name in ROBOT}
# The weights lie beside the packages, in models/ of the repository.
MODELS = sorted(
    f"../../models/{path.name}" for path in Path("../../models").glob("*.*") if path.is_file()
)

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/models", MODELS),
    ],
    zip_safe=False,
    maintainer="SAGE maintainers",
    maintainer_email="maintainers@sage-robotics.invalid",
    description="Encoders: senses and standard robot messages as 30x30 puzzles and embeddings.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            f"{name}_encoder_node = {PACKAGE}.nodes.{path}_encoder_node:main"
            for name, path in EXECUTABLES.items()
        ],
        "sage.modalities": [f"{name} = {PACKAGE}.modalities:{name.upper()}" for name in MODALITIES],
    },
)
