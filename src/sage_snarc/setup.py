from setuptools import find_packages, setup

PACKAGE = "sage_snarc"

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
    description="SNARC salience: scorers, fusion and attention.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            "attention_node = sage_snarc.nodes.attention_node:AttentionNode.main",
            "fusion_node = sage_snarc.nodes.fusion_node:FusionNode.main",
            "scorer_node = sage_snarc.nodes.scorer_node:ScorerNode.main",
            "vector_scorer_node = sage_snarc.nodes.vector_scorer_node:VectorScorerNode.main",
        ]
    },
)
