from setuptools import find_packages, setup

PACKAGE = "sage_orchestrator"

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
    description="Who may think, and for how long: compute budget, trust, refinement plugins.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "governor_node = sage_orchestrator.nodes.governor_node:GovernorNode.main",
            "orchestrator_node = sage_orchestrator.nodes.orchestrator_node:OrchestratorNode.main",
        ],
    },
)
