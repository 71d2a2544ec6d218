"""Nodes as real processes: signals, saved state, containers."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import time
import weakref
from pathlib import Path

import pytest
from rigs import MATCHING_S, NAMESPACE
from toy_nodes import ToyNode

from sage_common.core.errors import InvalidInput
from sage_common.core.state import file as state_file
from sage_common.ros import process
from sage_common.ros.container import node_class, ros_arguments
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.process import EXIT_USAGE
from sage_msgs.msg import Utterance

HERE = Path(__file__).parent
LONG_S = 60.0


class Child:
    """A process under test; its output goes to a file."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.output = folder / f"output-{len(list(folder.iterdir()))}.txt"
        # The wheels' bootstrap marks the environment of its own process.
        clean = {k: v for k, v in os.environ.items() if k != "_ROS_WHEELS_BOOTSTRAP_COMPLETE"}
        clean["PYTHONPATH"] = os.pathsep.join([str(HERE), *filter(None, sys.path)])
        with self.output.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, *arguments], stdout=stream, stderr=stream, env=clean
            )

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(LONG_S)

    @property
    def text(self) -> str:
        return self.output.read_text()


@pytest.fixture
def child(tmp_path: Path):
    made: list[Child] = []

    def start(*arguments: str) -> Child:
        made.append(Child(tmp_path, *arguments))
        return made[-1]

    yield start
    for item in made:
        if item.process.poll() is None:
            item.process.kill()
            item.process.wait()


def toy_arguments(home: Path, *more: str) -> list[str]:
    return [
        "-m",
        "toy_nodes",
        "--ros-args",
        "-r",
        f"__ns:={NAMESPACE}",
        "-p",
        f"home:={home}",
        *more,
    ]


def say(ros, text: str) -> None:
    message = Utterance(text=text, confidence=1.0)
    message.header.stamp = to_stamp(ros.now_ns())
    ros.publish("text", message)


def greeted(ros, heard: list) -> bool:
    """Whether the toy answers: a match that one side knows of may still lose what is sent."""
    say(ros, "hello")
    ros.for_a_while(MATCHING_S)
    return bool(heard)


def teach(ros, count: int) -> None:
    heard = ros.listen("outcome")
    del heard[:]
    assert ros.until(lambda: greeted(ros, heard))
    for _ in range(count):
        say(ros, "learn")
    assert ros.until(lambda: [outcome.note for outcome in heard].count("learn") == count)


def learned(home: Path) -> list[float]:
    return state_file.load(home / "state" / "toy.state").arrays["learned"].tolist()


def at_work(child, module: str, home: Path) -> Child:
    """A toy that has made the file which says that it is at what it is made for."""
    marker = home.parent / "at work"
    toy = child("-m", module, str(marker), "--ros-args", "-p", f"home:={home}")
    while not marker.exists():
        assert toy.process.poll() is None, toy.text
    return toy


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_state_and_the_next_start_resumes(ros, child, tmp_path, number):
    home = tmp_path / "home"
    first = child(*toy_arguments(home))
    teach(ros, 3)
    assert first.end(number) == 0, first.text
    assert learned(home)[0] == 3
    assert ros.until(lambda: ros.driver.count_subscribers("/sage/text") == 0)
    second = child(*toy_arguments(home))
    assert ros.until(lambda: ros.driver.count_subscribers("/sage/text") == 1)
    teach(ros, 2)
    assert second.end(number) == 0, second.text
    assert learned(home)[0] == 5


def test_a_second_signal_does_not_cut_the_saving_short(ros, child, tmp_path):
    home = tmp_path / "home"
    toy = child(*toy_arguments(home))
    teach(ros, 1)
    toy.process.send_signal(signal.SIGINT)
    toy.process.send_signal(signal.SIGINT)
    assert toy.end(signal.SIGTERM) == 0, toy.text
    assert learned(home)[0] == 1


def test_a_signal_during_activation_ends_the_process_cleanly(child, tmp_path):
    home = tmp_path / "home"
    toy = at_work(child, "slow_toy", home)
    assert toy.end() == 0, toy.text
    assert "Traceback" not in toy.text
    assert (home / "state" / "toy.state").exists()


def test_nodes_start_when_it_is_their_time_and_a_signal_ends_the_wait(child, tmp_path, monkeypatch):
    start_s = time.monotonic() + 4.0
    monkeypatch.setenv(process.START_VARIABLE, str(start_s))
    toy = at_work(child, "slow_toy", tmp_path / "home")
    assert time.monotonic() >= start_s
    assert toy.end() == 0, toy.text
    monkeypatch.setenv(process.START_VARIABLE, str(time.monotonic() + 1000.0))
    waiting = child(*toy_arguments(tmp_path / "home"))
    time.sleep(2.0)
    assert waiting.process.poll() is None
    assert waiting.end() == 0, waiting.text


def test_a_signal_ends_a_process_that_never_keeps_up_with_its_callbacks(child, tmp_path):
    home = tmp_path / "home"
    toy = at_work(child, "busy_toy", home)
    assert toy.end() == 0, toy.text
    assert (home / "state" / "toy.state").exists()


def test_a_file_that_cannot_be_trusted_is_set_aside_and_the_node_starts(ros, child, tmp_path):
    path = tmp_path / "home" / "state" / "toy.state"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a state file")
    toy = child(*toy_arguments(tmp_path / "home"))
    teach(ros, 1)
    assert toy.end() == 0
    assert "starting without the saved state" in toy.text
    assert (path.parent / "toy.state.refused").read_bytes() == b"not a state file"
    assert learned(tmp_path / "home")[0] == 1


def test_a_node_that_cannot_activate_makes_the_exit_status_1(ros, child, tmp_path):
    toy = child(*toy_arguments(tmp_path / "home", "-p", "fail:=activate"))
    assert ros.until(lambda: ros.status("toy") is not None)
    assert toy.end() == 1
    assert "activate failed: told to fail in activate" in toy.text


def entry(name: str, **more: object) -> dict[str, object]:
    return {"class": "toy_nodes:ToyNode", "name": name, "namespace": NAMESPACE, **more}


def container(*entries: dict[str, object]) -> list[str]:
    run = "from sage_common.ros.container import main; main()"
    return ["-c", run, "--graph", json.dumps(list(entries))]


def test_a_container_gives_each_node_its_own_name_parameters_and_remappings(ros, child, tmp_path):
    home = str(tmp_path / "home")
    both = child(
        *container(
            entry("one", parameters={"home": home, "gain": 4, "names": [], "weights": [1, 2.5]}),
            entry(
                "two",
                namespace="/other",
                parameters={"home": home, "gain": 1, "backend": "none"},
                remappings={"outcome": "judged"},
                log_level="warn",
            ),
            entry("three", parameters={"home": home, "fail": "activate"}),
        )
    )
    teach(ros, 1)
    assert ros.listen("outcome")[0].reward == 0.125
    assert ros.until(lambda: ros.driver.count_publishers("/other/judged") == 1)
    assert ros.driver.count_publishers("/other/outcome") == 0
    assert ros.until(lambda: ros.status("three") is not None)
    assert ros.status("three").message == "activate failed: told to fail in activate"
    assert both.end() == 1, "one node was not active"
    assert learned_by(tmp_path / "home", "one") == 1
    assert learned_by(tmp_path / "home", "two") == 0


def test_a_node_is_served_while_another_of_its_process_activates_and_a_signal_ends_both(
    ros, child, tmp_path
):
    home = tmp_path / "home"
    slow = entry("two", parameters={"home": str(home)}) | {"class": "gated_toy:GatedToyNode"}
    both = child(*container(entry("one", parameters={"home": str(home)}), slow))
    assert ros.until((home / "activating").exists), both.text
    teach(ros, 2)
    both.process.send_signal(signal.SIGINT)
    ros.for_a_while(MATCHING_S)
    assert both.process.poll() is None, "it saves what it has begun to restore"
    (home / "go").touch()
    assert both.end(signal.SIGINT) == 0, both.text
    assert "Traceback" not in both.text
    assert learned_by(home, "one") == 2 and learned_by(home, "two") == 0


def test_a_transition_that_hangs_does_not_keep_a_process_from_ending_nor_others_from_saving(
    ros, child, tmp_path
):
    home = tmp_path / "home"
    hanging = entry("two", parameters={"home": str(home)}) | {"class": "gated_toy:GatedToyNode"}
    arguments = container(entry("one", parameters={"home": str(home)}), hanging)
    arguments[1] = (
        f"from sage_common.ros import process; process.END_TIMEOUT_S = 1.0; {arguments[1]}"
    )
    both = child(*arguments)
    assert ros.until((home / "activating").exists), both.text
    teach(ros, 1)
    assert both.end() == 1, both.text
    assert "a transition did not end within" in both.text and "Traceback" not in both.text
    assert learned_by(home, "one") == 1 and not (home / "state" / "two.state").exists()


def learned_by(home: Path, name: str) -> float:
    return float(state_file.load(home / "state" / f"{name}.state").arrays["learned"][0])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"class": "toy_nodes.ToyNode"}, "expected package.module:Class"),
        ({"class": "toy_nodes:Nothing"}, "expected a subclass of SageNode"),
        ({"class": "toy_nodes:ToyParameters"}, "expected a subclass of SageNode"),
        ({"class": "no_such_module:Node"}, "expected a module that can be imported"),
    ],
)
def test_a_wrong_class_path_says_what_is_expected(wrong, said):
    with pytest.raises(InvalidInput, match=said):
        node_class(wrong["class"])


def test_a_container_with_a_wrong_entry_says_so_and_ends(child):
    wrong = child(*container({"class": "toy_nodes:ToyNode", "name": "one"}))
    assert wrong.process.wait(LONG_S) == 2
    assert "graph: namespace = None: expected a string" in wrong.text
    assert "Traceback" not in wrong.text


def test_a_node_whose_name_ros_does_not_take_is_named_and_the_others_run(ros, child, tmp_path):
    wrong, home = entry("a_b__encoder"), tmp_path / "home"
    both = child(*container(wrong, entry("one", parameters={"home": str(home)})))
    teach(ros, 1)
    assert both.end() == 1, both.text
    assert "node a_b__encoder: " in both.text and "Traceback" not in both.text
    assert learned_by(home, "one") == 1
    alone = child(*container(wrong))
    assert alone.process.wait(LONG_S) == EXIT_USAGE, alone.text


def test_parameters_of_the_graph_are_written_as_yaml():
    arguments = ros_arguments(
        entry("x", parameters={"a": [1, 2.5], "b": "yes", "c": "ü 'x' \"y\"", "d": True, "e": []})
    )
    assert "a:=[1.0, 2.5]" in arguments and 'b:="yes"' in arguments
    assert 'c:="ü \'x\' \\"y\\""' in arguments and "d:=true" in arguments and "e:=[]" in arguments
    assert node_class("toy_nodes:ToyNode") is ToyNode


def test_an_interrupt_while_the_container_loads_ends_it_without_a_traceback(child, tmp_path):
    parameters = {"home": str(tmp_path / "home")}
    slow = entry("one", parameters=parameters) | {"class": "interrupted_toy:InterruptedToy"}
    never_made = entry("two") | {"class": "no_such_module:Node"}
    both = child(*container(slow, never_made))
    assert both.process.wait(LONG_S) == 0, both.text
    assert "Traceback" not in both.text


def test_wrong_arguments_end_a_node_with_a_status_of_their_own(child):
    toy = child("-m", "toy_nodes", "--ros-args", "--log-level", "loud")
    assert toy.process.wait(LONG_S) == EXIT_USAGE, toy.text
    assert "--log-level loud" in toy.text and "Traceback" not in toy.text


def test_few_objects_that_hold_much_are_freed_without_waiting_for_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Message:
        """Refers to itself, as what an error was raised through does."""

        def __init__(self) -> None:
            self.payload, self.itself = bytearray(1_000_000), self

    gone: list[weakref.ref[Message]] = []
    rounds: list[float] = []

    def sleep(seconds: float) -> None:
        rounds.append(seconds)
        if len(rounds) > 1:
            raise SystemExit
        gone.append(weakref.ref(Message()))

    monkeypatch.setattr(process.time, "sleep", sleep)
    thresholds = gc.get_threshold()
    gc.set_threshold(*process.GARBAGE_THRESHOLDS)
    try:
        with pytest.raises(SystemExit):
            process._tend_memory()
    finally:
        gc.set_threshold(*thresholds)
    assert gone[0]() is None
    assert rounds == [process.GARBAGE_PERIOD_S] * 2


def test_what_is_free_in_the_allocator_goes_back_every_ten_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slept_s: list[float] = []
    returned_s: list[float] = []

    def sleep(seconds: float) -> None:
        if sum(slept_s) >= 1300.0:
            raise SystemExit
        slept_s.append(seconds)

    monkeypatch.setattr(process.time, "sleep", sleep)
    monkeypatch.setattr(process.gc, "collect", lambda: 0)
    monkeypatch.setattr(process, "return_freed_memory", lambda: returned_s.append(sum(slept_s)))
    with pytest.raises(SystemExit):
        process._tend_memory()
    assert returned_s == [600.0, 1200.0]
