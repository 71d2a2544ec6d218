"""A camera of somebody else's driver, as SAGE takes it: its images, out of a mailbox.

ros2 launch sage_cuda_mailbox camera_bridge.launch.py camera:=front image:=/front/image_raw

Give container:=<name> to load it where the driver runs: images then change hands as pointers.
"""

from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition, UnlessCondition
from launch.substitutions import EqualsSubstitution, LaunchConfiguration
from launch_ros.actions import ComposableNodeContainer, LoadComposableNodes
from launch_ros.descriptions import ComposableNode

from launch import LaunchDescription

CLASSES = "sage::mailbox::components::"


def generate_launch_description():
    camera, namespace = LaunchConfiguration("camera"), LaunchConfiguration("namespace")
    container = LaunchConfiguration("container")
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
            ComposableNodeContainer(
                package="rclcpp_components",
                executable="component_container",
                name="mailbox_container",
                namespace=namespace,
                composable_node_descriptions=nodes,
                condition=IfCondition(is_alone),
            ),
            LoadComposableNodes(
                target_container=container,
                composable_node_descriptions=nodes,
                condition=UnlessCondition(is_alone),
            ),
        ]
    )
