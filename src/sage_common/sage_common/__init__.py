"""What every SAGE node shares: core/ has no ROS, ros/ is the ROS side."""

import os

# ONNX Runtime sends usage data over the network, on a thread of its own, unless it is told
# otherwise before it is loaded.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
