# Nodes for rclcpp's containers. Included, not a directory of its own: ament_package() reads what
# registering and exporting set in the scope of the package.
find_package(diagnostic_msgs REQUIRED)
find_package(rclcpp REQUIRED)
find_package(sage_msgs REQUIRED)
find_package(sensor_msgs REQUIRED)
find_package(std_msgs REQUIRED)

# For nodes of your own. No component is in it: a container does not find components in a library
# that was there before it opened it.
add_library(sage_mailbox_ros SHARED
  components/src/conventions.cpp
  components/src/handle_message.cpp
  components/src/lent_image.cpp
  components/src/tensor_publisher.cpp
)
add_library(${PROJECT_NAME}::sage_mailbox_ros ALIAS sage_mailbox_ros)
target_include_directories(sage_mailbox_ros
  PUBLIC
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/components/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
  PRIVATE components/src
)
# Of the interfaces only what C++ needs: their Python parts want an interpreter.
target_link_libraries(sage_mailbox_ros
  PUBLIC
    sage_mailbox
    rclcpp::rclcpp
    sage_msgs::sage_msgs__rosidl_typesupport_cpp
    sensor_msgs::sensor_msgs__rosidl_typesupport_cpp
    std_msgs::std_msgs__rosidl_typesupport_cpp
  PRIVATE $<BUILD_INTERFACE:sage_mailbox_warnings>
)

add_library(sage_mailbox_components SHARED
  components/src/broadcast_relay.cpp
  components/src/diagnostics.cpp
  components/src/image_to_tensor.cpp
  components/src/mailbox_statistics.cpp
  components/src/tensor_relay.cpp
  components/src/tensor_to_image.cpp
)
target_include_directories(sage_mailbox_components PRIVATE components/src)
target_link_libraries(sage_mailbox_components PRIVATE
  sage_mailbox_ros
  diagnostic_msgs::diagnostic_msgs__rosidl_typesupport_cpp
  rclcpp_components::component
  sage_mailbox_warnings
)

# Each is also an executable: ros2 run sage_cuda_mailbox image_to_tensor
foreach(component
  BroadcastRelay:broadcast_relay
  ImageToTensor:image_to_tensor
  MailboxStatistics:mailbox_statistics
  TensorRelay:tensor_relay
  TensorToImage:tensor_to_image
)
  string(REPLACE ":" ";" component ${component})
  list(GET component 0 class)
  list(GET component 1 executable)
  rclcpp_components_register_node(sage_mailbox_components
    PLUGIN "sage::mailbox::components::${class}"
    EXECUTABLE ${executable}
  )
endforeach()

install(DIRECTORY components/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY components/config components/launch DESTINATION share/${PROJECT_NAME})
install(TARGETS sage_mailbox_ros EXPORT sage_mailbox_targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS sage_mailbox_components LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
ament_export_dependencies(rclcpp sage_msgs sensor_msgs std_msgs)
