"""The whole graph with the nano profile: ros2 launch sage nano.launch.py source:=live."""

from sage.run.launching import generate


def generate_launch_description():
    return generate("nano")
