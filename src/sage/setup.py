from glob import glob

from setuptools import find_packages, setup

PACKAGE = "sage"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
        (f"share/{PACKAGE}/launch", glob("../../launch/*.launch.py")),
        (f"share/{PACKAGE}/config", glob("../../config/*")),
    ],
    zip_safe=False,
    maintainer="SAGE maintainers",
    maintainer_email="maintainers@sage-robotics.invalid",
    description="SAGE bring-up: the graph description, the command line and bags.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": ["sage = sage.cli:main"],
        "sage.commands": ["completion = sage.completion"],
    },
)
