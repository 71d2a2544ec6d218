"""What is read of the kernel: from files like its own, of which some lack or hold garbage."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest

from sage_common.core.clock import NS_PER_S
from sage_common.core.health import PressureLevel
from sage_orchestrator.backends.board import BoardReading, read_board
from sage_orchestrator.backends.memory_reader import MemoryReader
from sage_orchestrator.backends.processes import graph_processes
from sage_orchestrator.core.pressure.levels import LevelTracker

MEMINFO = "MemTotal: 8000000 kB\nMemFree: 100 kB\nMemAvailable: 1600000 kB\n"
V1_STAT = "rss 5\nhierarchical_memory_limit {limit}\ntotal_rss {rss}\ntotal_shmem 0\n"
V2_EVENTS = "low 0\nhigh {high}\nmax 0\noom 0\noom_kill 0\n"
MB = 2**20
RECORDED = Path(__file__).with_name("recorded_stalls.txt")


def stalls(some_us: int, full_us: int = 0, avg10: float = 0.0) -> str:
    head = f"avg10={avg10:.2f} avg60=0.00 avg300=0.00 total="
    return f"some {head}{some_us}\nfull {head}{full_us}\n"


class Kernel:
    """Files like those of a kernel; each may be written anew, or removed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("proc/meminfo", MEMINFO)
        self.write("proc/self/cgroup", "0::/\n")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def v1(self, limit: int, rss: int) -> None:
        self.write("proc/self/cgroup", "4:memory:/robot\n0::/\n")
        stat = V1_STAT.format(limit=limit, rss=rss)
        self.write("sys/fs/cgroup/memory/robot/memory.stat", stat)

    def v2(self, high: str, most: str, anon: int, hits: int, some_us: int = 0) -> None:
        self.write("proc/self/cgroup", "0::/robot.slice/sage.service\n")
        folder = "sys/fs/cgroup/robot.slice/sage.service/"
        self.write(folder + "memory.high", f"{high}\n")
        self.write(folder + "memory.max", f"{most}\n")
        self.write(folder + "memory.stat", f"anon {anon}\nfile 7\nshmem 0\n")
        self.write(folder + "memory.events", V2_EVENTS.format(high=hits))
        self.write(folder + "memory.pressure", stalls(some_us))

    def reader(self, **environment: str) -> MemoryReader:
        return MemoryReader(environment, self.root)


@pytest.fixture
def kernel(tmp_path: Path) -> Kernel:
    return Kernel(tmp_path)


def test_stalls_of_the_system_are_a_share_of_the_time_between_two_readings(kernel: Kernel) -> None:
    kernel.write("proc/pressure/memory", stalls(1_000_000, 500_000, avg10=12.5))
    reader = kernel.reader()
    first = reader.read(0)
    assert (first.some, first.some_avg10, first.used) == (12.5, 12.5, -1.0)
    kernel.write("proc/pressure/memory", stalls(1_500_000, 600_000))
    second = reader.read(4 * NS_PER_S)
    assert (second.some, second.full) == (12.5, 2.5) and second.faults == ()
    assert second.method.startswith("psi of the system, polled (no triggers: ")
    kernel.write("proc/pressure/memory", stalls(1_700_000, 600_000))
    soon = reader.read(4 * NS_PER_S + 1)
    assert soon.some == pytest.approx(10.0), "a burst of the kernel's sum counts as of 2 s"


def test_percentages_count_where_there_are_no_stalls(kernel: Kernel) -> None:
    reading = kernel.reader().read(0)
    assert (reading.used, reading.method) == (80.0, "percent of all memory")
    assert (reading.some, reading.full) == (-1.0, -1.0)
    assert reading.available_mb == pytest.approx(1562.5)


def test_the_limit_of_a_cgroup_of_version_1_counts_beside_stalls(kernel: Kernel) -> None:
    kernel.write("proc/pressure/memory", stalls(0))
    kernel.v1(limit=400 * MB, rss=380 * MB)
    reading = kernel.reader().read(0)
    assert reading.used == 95.0 and reading.available_mb == 20.0
    assert "percent of the limit of" in reading.method and "psi of the system" in reading.method


def test_stalls_of_others_below_limits_of_their_own_do_not_count(kernel: Kernel) -> None:
    kernel.write("proc/meminfo", MEMINFO.replace("1600000", "7000000"))
    kernel.write("proc/pressure/memory", stalls(0, 0, avg10=50.0))
    reader = kernel.reader()
    reading = reader.read(0)
    assert (reading.some, reading.some_avg10) == (0.0, 50.0)
    assert "psi of the system (it does not count: memory is plenty)" in reading.method
    kernel.v1(limit=400 * MB, rss=320 * MB)
    kernel.write("proc/pressure/memory", stalls(1_000_000))
    assert reader.read(2 * NS_PER_S).some == 50.0, "below the own limit little is left"


def test_what_grows_fast_counts_as_what_it_will_be_in_a_second(kernel: Kernel) -> None:
    reader, levels = kernel.reader(), []
    tracker = LevelTracker(30 * NS_PER_S)
    for quarter, rss_mb in enumerate((90, 90, 120, 150, 180, 210, 210, 240, 270, 300)):
        kernel.v1(limit=400 * MB, rss=rss_mb * MB)
        tracker.update(quarter, reader.read(quarter * NS_PER_S // 4))
        levels.append(tracker.level)
    assert levels == [0] * 9 + [4], "75 % are in use, and 105 % would be in 1 s"
    assert tracker.reason.endswith("% in 1 s")
    tracker.update(10, reader.read(10 * NS_PER_S // 4))
    assert tracker.level == PressureLevel.CRITICAL, "it has not been calm for long"


def test_what_is_taken_once_is_no_growth(kernel: Kernel) -> None:
    reader = kernel.reader()
    for quarter, rss_mb in enumerate((*[240] * 8, 250, 290, 300, 300, 300)):
        kernel.v1(limit=400 * MB, rss=rss_mb * MB)
        reading = reader.read(quarter * NS_PER_S // 4)
        assert reading.used_soon == reading.used


def test_without_a_limit_it_is_stalls_alone(kernel: Kernel) -> None:
    kernel.write("proc/pressure/memory", stalls(0))
    kernel.v1(limit=(1 << 63) - 4096, rss=380 * MB)
    assert kernel.reader().read(0).used == -1.0


def test_events_and_stalls_of_a_cgroup_of_version_2(kernel: Kernel) -> None:
    kernel.v2(high=str(300 * MB), most=str(400 * MB), anon=100 * MB, hits=7)
    kernel.write("proc/pressure/memory", stalls(0))
    reader = kernel.reader()
    assert reader.read(0).limit_hits == 0, "those of before count not"
    kernel.v2(high=str(300 * MB), most=str(400 * MB), anon=100 * MB, hits=9, some_us=300_000)
    reading = reader.read(2 * NS_PER_S)
    assert (reading.limit_hits, reading.some, reading.used) == (2, 15.0, -1.0)
    assert reading.available_mb == 200.0
    assert "sage.service/memory.pressure" in reading.method


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("proc/pressure/memory", "garbage\n", "pressure/memory: some avg10"),
        ("proc/meminfo", "MemTotal: much kB\n", "MemTotal"),
        ("sys/fs/cgroup/memory/robot/memory.stat", "total_rss -5\n", "hierarchical_memory_limit"),
    ],
)
def test_garbage_is_said_and_the_rest_counts(
    kernel: Kernel, name: str, text: str, said: str
) -> None:
    kernel.v1(limit=400 * MB, rss=100 * MB)
    kernel.write("proc/pressure/memory", stalls(0))
    reader = kernel.reader()
    assert reader.read(0).faults == ()
    kernel.write(name, text)
    reading = reader.read(2 * NS_PER_S)
    assert len(reading.faults) == 1 and said in reading.faults[0]
    assert reading.method != "nothing can be read: as if green"


def test_where_nothing_can_be_read_it_says_so(tmp_path: Path) -> None:
    reading = MemoryReader({}, tmp_path).read(0)
    assert reading.method == "nothing can be read: as if green"
    assert len(reading.faults) == 2 and all("No such file" in fault for fault in reading.faults)


def test_a_cgroup_that_vanishes_is_read_no_more(kernel: Kernel) -> None:
    kernel.v1(limit=400 * MB, rss=390 * MB)
    kernel.write("proc/pressure/memory", stalls(0))
    reader = kernel.reader()
    assert reader.read(0).used > 97.0
    (kernel.root / "sys/fs/cgroup/memory/robot/memory.stat").unlink()
    assert reader.read(2 * NS_PER_S).used == -1.0


def test_a_recorded_burst_of_stalls_raises_the_level_once_and_leaves_it_once(
    kernel: Kernel,
) -> None:
    """The kernel's own figures, played as the files of a cgroup of version 2."""
    reader, tracker = kernel.reader(), LevelTracker(30 * NS_PER_S)
    levels = []
    for line in RECORDED.read_text().splitlines()[2:]:
        second, some_avg10, some_us, full_avg10, full_us = map(float, line.split())
        kernel.v2(high="max", most="max", anon=0, hits=0)
        text = stalls(int(some_us), int(full_us), some_avg10).splitlines()[0]
        full = stalls(int(full_us), int(full_us), full_avg10).splitlines()[1]
        folder = "sys/fs/cgroup/robot.slice/sage.service/"
        kernel.write(folder + "memory.pressure", f"{text}\n{full}\n")
        now_ns = round(second * NS_PER_S)
        tracker.update(now_ns, reader.read(now_ns))
        levels.append(tracker.level)
    turns = [level for level, _ in itertools.groupby(levels)]
    peak = max(turns)
    assert peak >= PressureLevel.RED and turns[-1] == PressureLevel.GREEN
    top = turns.index(peak)
    assert turns == sorted(turns[: top + 1]) + sorted(turns[top + 1 :], reverse=True)


def test_systemd_may_turn_it_off(kernel: Kernel) -> None:
    reading = kernel.reader(MEMORY_PRESSURE_WATCH="/dev/null").read(0)
    assert reading.method == "off, by MEMORY_PRESSURE_WATCH=/dev/null" and reading.used == -1.0


def test_systemd_may_name_what_is_watched(kernel: Kernel) -> None:
    path = kernel.root / "watched"
    os.mkfifo(path)
    reader = kernel.reader(MEMORY_PRESSURE_WATCH=str(path))
    reader.read(0)
    assert reader.wait(0.0) == PressureLevel.GREEN
    path.write_bytes(b"!")
    assert reader.wait(60.0) == PressureLevel.YELLOW
    assert reader.wait(0.0) == PressureLevel.GREEN
    reader.close()


@pytest.mark.parametrize(
    ("watch", "written", "said"),
    [
        ("here", "", "MEMORY_PRESSURE_WATCH = 'here': expected an absolute path; "),
        ("/proc/pressure/memory", "!!", "MEMORY_PRESSURE_WRITE = '!!': expected Base64; "),
        ("/none/memory", "", "WATCH = '/none/memory': expected a pressure file such as "),
        ("/etc/passwd", "", "WATCH = '/etc/passwd': expected a pressure file such as "),
        ("/proc", "", "WATCH = '/proc': expected a pressure file such as "),
    ],
)
def test_what_systemd_says_wrongly_is_left_out_and_said(
    kernel: Kernel, watch: str, written: str, said: str
) -> None:
    kernel.write("proc/pressure/memory", stalls(0, 0, avg10=12.5))
    reader = kernel.reader(MEMORY_PRESSURE_WATCH=watch, MEMORY_PRESSURE_WRITE=written)
    reading = reader.read(0)
    assert said in reading.ignored and reading.ignored.endswith("what is found counts")
    assert reading.some == 12.5 and reading.faults == ()
    assert "psi of the system" in reading.method and reading.method.endswith(reading.ignored)
    reader.close()


def test_a_pressure_file_that_cannot_be_read_is_left_out_until_it_can(kernel: Kernel) -> None:
    kernel.write("proc/pressure/memory", stalls(0, 0, avg10=12.5))
    kernel.write("watched/memory.pressure", "garbage\n")
    path = str(kernel.root / "watched/memory.pressure")
    reader = kernel.reader(MEMORY_PRESSURE_WATCH=path)
    first = reader.read(0)
    assert "MEMORY_PRESSURE_WATCH = " in first.ignored and first.some == 12.5
    kernel.write("watched/memory.pressure", stalls(0, 0, avg10=40.0))
    reading = reader.read(0)
    assert (reading.ignored, reading.some) == ("", 40.0)
    reader.close()


@pytest.mark.parametrize("written", ["", "!!"])
def test_what_systemd_leaves_empty_is_not_set(kernel: Kernel, written: str) -> None:
    environment = {"MEMORY_PRESSURE_WATCH": "", "MEMORY_PRESSURE_WRITE": written}
    assert kernel.reader(**environment).read(0) == kernel.reader().read(0)
    off = kernel.reader(MEMORY_PRESSURE_WATCH="/dev/null", MEMORY_PRESSURE_WRITE=written)
    assert off.read(0).method.startswith("off, ")


def test_the_board_is_read_where_it_reports(kernel: Kernel) -> None:
    assert read_board(kernel.root) == BoardReading(-1.0, -1.0, -1.0)
    kernel.write("sys/class/thermal/thermal_zone0/temp", "45500\n")
    kernel.write("sys/class/thermal/thermal_zone1/temp", "off\n")
    kernel.write("sys/class/hwmon/hwmon0/in1_label", "VDD_IN\n")
    kernel.write("sys/class/hwmon/hwmon0/in1_input", "5000\n")
    kernel.write("sys/class/hwmon/hwmon0/curr1_input", "1500\n")
    kernel.write("sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq", "1510000\n")
    assert read_board(kernel.root) == BoardReading(45.5, 7.5, 1510.0)


def test_this_process_is_one_of_the_graph() -> None:
    found = {use.pid: use for use in graph_processes()}
    assert found[os.getpid()].pss_mb > 5.0


def test_the_kernel_of_this_machine_can_be_read() -> None:
    reader = MemoryReader({})
    reading = reader.read(0)
    reader.close()
    assert reading.available_mb > 0.0 and reading.method != "nothing can be read: as if green"
