from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = "sage_encoders"
MODALITIES = {
    "vision": "nodes.vision_encoder_node:Vision",
    "audio": "nodes.audio_encoder_node:Audio",
    "language": "nodes.language_encoder_node:Language",
    "proprioception": "nodes.proprioception_encoder_node:Proprioception",
    "scan": "nodes.robot.scan_encoder_node:LaserScan",
    "cloud": "nodes.robot.cloud_encoder_node:PointCloud",
    "odometry": "nodes.robot.odometry_encoder_node:Odometry",
    "battery": "nodes.robot.battery_encoder_node:Battery",
    "diagnostics": "nodes.robot.diagnostics_encoder_node:Diagnostics",
}
"""By name, module and noun of the encoder node."""
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
            f"{name}_encoder_node = {PACKAGE}.{path}EncoderNode.main"
            for name, path in MODALITIES.items()
        ],
        "sage.commands": [f"weights = {PACKAGE}.commands.weights"],
        "sage.modalities": [f"{name} = {PACKAGE}.modalities:{name.upper()}" for name in MODALITIES],
    },
)
