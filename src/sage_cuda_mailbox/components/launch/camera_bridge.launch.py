"""A camera of somebody else's driver, as SAGE takes it: its images, out of a mailbox.

ros2 launch sage_cuda_mailbox camera_bridge.launch.py camera:=front image:=/front/image_raw

Give container:=<name> to load it where the driver runs: images then change hands as pointers.
Where the driver runs in a process of its own, start that with the same transport profile; `profile`
names it, and another one may be given.
"""

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch.actions import DeclareLaunchArgument, LogInfo
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import EqualsSubstitution, LaunchConfiguration
from launch_ros.actions import ComposableNodeContainer, LoadComposableNodes
from launch_ros.descriptions import ComposableNode

from launch import LaunchDescription

PROFILE = Path(get_package_share_directory("sage_cuda_mailbox"), "config", "fastdds_images.xml")
CLASSES = "sage::mailbox::components::"


def generate_launch_description():
    camera, namespace = LaunchConfiguration("camera"), LaunchConfiguration("namespace")
    container = LaunchConfiguration("container")
    # Of this process only: other nodes of the same launch keep their transport.
    variables = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")
    environment = dict.fromkeys(variables, LaunchConfiguration("profile"))
    is_alone = EqualsSubstitution(container, "")
    nodes = [
        ComposableNode(
            package="sage_cuda_mailbox",
            plugin=CLASSES + "ImageToTensor",
            name=["bridge_", camera],
            namespace=namespace,
            remappings=[
                ("image", LaunchConfiguration("image")),
                ("tensor", ["camera/", camera, "/tensor"]),
            ],
        ),
        ComposableNode(
            package="sage_cuda_mailbox",
            plugin=CLASSES + "MailboxStatistics",
            name="mailbox_statistics",
            namespace=namespace,
        ),
    ]
    return LaunchDescription(
        [
            DeclareLaunchArgument("camera", description="name of the camera in SAGE"),
            DeclareLaunchArgument("image", description="topic of the driver's images"),
            DeclareLaunchArgument("namespace", default_value="sage"),
            DeclareLaunchArgument("container", default_value="", description="one that runs"),
            DeclareLaunchArgument(
                "profile", default_value=str(PROFILE), description="Fast DDS profile of the bridge"
            ),
            LogInfo(
                msg=[
                    "a camera driver in another process needs the same transport profile: ",
                    "FASTRTPS_DEFAULT_PROFILES_FILE=",
                    LaunchConfiguration("profile"),
                ],
                condition=IfCondition(is_alone),
            ),
            ComposableNodeContainer(
                package="rclcpp_components",
                executable="component_container",
                name="mailbox_container",
                namespace=namespace,
                composable_node_descriptions=nodes,
                additional_env=environment,
                condition=IfCondition(is_alone),
            ),
            LoadComposableNodes(
                target_container=container,
                composable_node_descriptions=nodes,
                condition=UnlessCondition(is_alone),
            ),
        ]
    )
