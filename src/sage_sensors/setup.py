from setuptools import find_packages, setup

PACKAGE = "sage_sensors"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    package_data={PACKAGE: ["py.typed", "demo/*.srt", "demo/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    zip_safe=False,
    maintainer="SAGE maintainers",
    maintainer_email="maintainers@sage-robotics.invalid",
    description="Camera, microphone, IMU and text as ROS 2 nodes; a recording played as all four.",
    license="Apache-2.0",
    entry_points={
        "console_scripts": [
            f"{name}_node = {PACKAGE}.nodes.{name}_node:{name.title()}Node.main"
            for name in ("camera", "imu", "microphone", "recording", "speaker", "text")
        ]
    },
)
