from setuptools import find_packages, setup

PACKAGE = "sage_plugins"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    zip_safe=False,
    maintainer="SAGE maintainers",
    maintainer_email="maintainers@sage-robotics.invalid",
    description="Refinement plugins of SAGE: a closer look, and recall of similar memories.",
    license="Apache-2.0",
    entry_points={
        "sage.irp_plugins": [
            f"hear = {PACKAGE}.specs:HEAR",
            f"listen = {PACKAGE}.specs:LISTEN",
            f"look = {PACKAGE}.specs:LOOK",
            f"read = {PACKAGE}.specs:READ",
            f"recall = {PACKAGE}.specs:RECALL",
            f"recognise = {PACKAGE}.specs:RECOGNISE",
        ],
    },
)
