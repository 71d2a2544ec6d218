from setuptools import find_packages, setup

PACKAGE = "sage_common"

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
    description="What every SAGE node shares: topic registry, parameters, node base, hosts.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "container = sage_common.loading:container",
            "fork_server = sage_common.fork_server:main",
        ]
    },
)
