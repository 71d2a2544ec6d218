"""The nano graph on simulated time, fed by a player: ros2 bag play --clock BAG beside it."""

from sage.run.launching import generate


def generate_launch_description():
    return generate("nano", source="topics", use_sim_time="true")
