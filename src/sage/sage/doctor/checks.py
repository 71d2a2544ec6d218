"""The checks of `sage doctor`; each looks at one object and says how to fix it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ament_index_python import get_package_prefix, get_resources

from sage.doctor.finding import Finding, needed
from sage.graph.catalogue import CATALOGUE
from sage.graph.environment import config_folder, not_in_effect
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home
from sage_orchestrator.backends.memory_reader import MemoryReader
from sage_sensors.backends.recording import GENERATED, data_folder, find_demo_recording

MIN_SHM_MB = 256
MIN_DISK_MB = 1024
PLUG_IN = "plug one in, or use --source recording"
_PACKAGES = sorted({"sage", "sage_common", "sage_msgs", *(k.package for k in CATALOGUE.values())})


def ros() -> Iterator[Finding]:
    """ROS 2: from wheels or installed, and which version."""
    prefix = Path(get_package_prefix("rclpy"))
    origin = "wheels" if prefix == Path(sys.prefix) else "installed"
    try:
        version = importlib.metadata.version("ros-rclpy" if origin == "wheels" else "rclpy")
    except importlib.metadata.PackageNotFoundError:
        version = os.environ.get("ROS_DISTRO", "unknown version")
    yield Finding("ROS 2", "ok", f"rclpy {version} from {origin} in {prefix}")
    python = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 10) <= sys.version_info[:2] <= (3, 12)
    yield needed("Python", supported, python, "use Python 3.10 to 3.12", "error")
    known = get_resources("packages")
    for package in (*_PACKAGES, "audio_common_msgs", "tf2_msgs", "vision_msgs"):
        if package not in known:
            yield Finding(package, "error", "not installed", "make demo, or colcon build")
    bridge = "cv_bridge" if "cv_bridge" in known else "SAGE's own conversions"
    yield Finding("image conversion", "ok", bridge)


def transport() -> Iterator[Finding]:
    """Discovery, the Fast DDS profile, the allocator settings, and shared memory."""
    for name, reach in (("fastdds.xml", "this host"), ("fastdds_network.xml", "network")):
        path = config_folder() / name
        found = path.is_file()
        text = str(path) if found else f"{path} is missing"
        yield needed(f"Fast DDS profile ({reach})", found, text, "install sage again", "error")
    implementation = os.environ.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp")
    fast = implementation == "rmw_fastrtps_cpp"
    fix = "unset RMW_IMPLEMENTATION: the transport profile is for Fast DDS"
    yield needed("RMW", fast, implementation, fix)
    missing = not_in_effect(os.environ)
    how = "set for every process that sage run and the launch files start"
    text = f"not in this shell: {', '.join(missing)}; {how}" if missing else "set in this shell"
    yield Finding("transport and allocator settings", "ok", text)
    scope = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    domain = os.environ.get("ROS_DOMAIN_ID") or "chosen for each run"
    yield Finding("discovery", "ok", f"range {scope}, domain {domain}")
    free_mb = shutil.disk_usage("/dev/shm").free // 2**20 if Path("/dev/shm").is_dir() else 0
    fix = f"mount it with at least {MIN_SHM_MB} MB (docker: --shm-size=256m)"
    yield needed("/dev/shm", free_mb >= MIN_SHM_MB, f"{free_mb} MB free", fix)


def devices() -> Iterator[Finding]:
    """Cameras, microphones and IMUs; a graph runs without them on a recording."""
    cameras = sorted(str(path) for path in Path("/dev").glob("video*"))
    yield needed("cameras", bool(cameras), ", ".join(cameras) or "none", PLUG_IN)
    yield _microphones()
    imus = sorted(
        path.parent.name for path in Path("/sys/bus/iio/devices").glob("iio:device*/in_accel_x_raw")
    )
    yield needed("IMUs (iio)", bool(imus), ", ".join(imus) or "none", PLUG_IN)


def _microphones() -> Finding:
    try:
        import sounddevice
    except OSError as error:
        return Finding("microphones", "warn", str(error), "apt-get install libportaudio2")
    names = [d["name"] for d in sounddevice.query_devices() if d["max_input_channels"] > 0]
    return needed("microphones", bool(names), ", ".join(names) or "none", PLUG_IN)


def compute(profile: str) -> Iterator[Finding]:
    """Processors, memory, and whether ONNX Runtime has a GPU."""
    import onnxruntime
    import psutil

    memory_mb = psutil.virtual_memory().available // 2**20
    yield Finding("CPU", "ok", f"{os.cpu_count()} cores, {memory_mb} MB memory available")
    yield _memory_pressure()
    providers = onnxruntime.get_available_providers()
    gpu = [p for p in providers if p.startswith(("CUDA", "Tensorrt"))]
    text = f"onnxruntime {onnxruntime.__version__}: {', '.join(providers)}"
    if gpu or profile == "nano":
        yield Finding("GPU", "ok", text if gpu else f"none; {text}")
    else:
        yield Finding("GPU", "warn", f"none; {text}", "profile thor will run on the CPU")


def _memory_pressure() -> Finding:
    """What the governor would read here."""
    try:
        reader = MemoryReader(os.environ)
    except InvalidInput as error:
        return Finding("memory pressure", "error", str(error), "unset it, or start by systemd")
    reading = reader.read(time.monotonic_ns())
    reader.close()
    text = "; ".join([f"read from: {reading.method}", *reading.faults])
    fix = "a kernel with PSI (CONFIG_PSI, psi=1) says more"
    return needed("memory pressure", reading.some >= 0.0, text, fix)


def storage() -> Iterator[Finding]:
    """The home folder, its disk, and the recording for the demo."""
    yield _home()
    for stream, backend in find_demo_recording(data_folder(), GENERATED).backends.items():
        yield Finding(f"demo {stream}", "ok", backend)


def _home() -> Finding:
    another = "choose another folder: export SAGE_HOME=DIR"
    try:
        home = sage_home()
    except InvalidInput as error:
        return Finding("home", "error", str(error), another)
    existing = next(path for path in (home, *home.parents) if path.exists())
    free_mb = shutil.disk_usage(existing).free // 2**20
    writable = os.access(existing, os.W_OK)
    level = "error" if not writable else "ok" if free_mb >= MIN_DISK_MB else "warn"
    fix = "" if level == "ok" else another
    return Finding("home", level, f"{home}, {free_mb} MB free on its disk", fix)
