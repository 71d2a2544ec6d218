from setuptools import find_packages, setup

PACKAGE = "sage_gateway"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={PACKAGE: ["py.typed", "page/*", "page/*/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    zip_safe=False,
    maintainer="SAGE maintainers",
    maintainer_email="maintainers@sage-robotics.invalid",
    description="The graph to the outside: a page, JSON over HTTP, figures for Prometheus.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "foxglove_node = sage_gateway.nodes.foxglove_node:FoxgloveNode.main",
            "gateway_node = sage_gateway.nodes.gateway_node:GatewayNode.main",
        ],
    },
)
