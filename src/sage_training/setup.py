from setuptools import find_packages, setup

PACKAGE = "sage_training"

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
    description="Training, export and evaluation of SAGE's models.",
    license="Apache-2.0",
    entry_points={"sage.commands": [f"models = {PACKAGE}.command"]},
)
