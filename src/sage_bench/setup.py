from setuptools import find_packages, setup

PACKAGE = "sage_bench"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={PACKAGE: ["py.typed", "faults/*.c", "recognition/*.json"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    zip_safe=False,
    maintainer="SAGE maintainers",
    maintainer_email="maintainers@sage-robotics.invalid",
    description="Benches of SAGE, beside named baselines, and the pages that quote their figures.",
    license="Apache-2.0",
    entry_points={
        "sage.commands": [
            f"bench = {PACKAGE}.commands.bench",
            f"docs = {PACKAGE}.commands.docs",
        ]
    },
)
