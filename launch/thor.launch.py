"""The whole graph with the thor profile: ros2 launch sage thor.launch.py source:=live."""

from sage.run.launching import generate


def generate_launch_description():
    return generate("thor")
