"""Every process of the graph gets its transport, its allocator and a domain of its own."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from sage.graph.environment import (
    ALLOCATOR,
    DomainLease,
    config_folder,
    graph_environment,
    not_in_effect,
    without_pictures,
)
from sage_common.core.errors import InvalidInput
from sage_encoders.nodes.vision_encoder_node import VisionEncoderNode

FRAME_RATE_HZ = 30.0


def test_processes_stay_on_this_host_unless_asked(tmp_path: Path) -> None:
    local = graph_environment(50, False, tmp_path)
    assert local["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert local["ROS_DOMAIN_ID"] == "50"
    assert local["FASTRTPS_DEFAULT_PROFILES_FILE"].endswith("/fastdds.xml")
    assert graph_environment(50, True, tmp_path)["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"


def test_nothing_is_missing_from_what_we_set(tmp_path: Path) -> None:
    assert not_in_effect(graph_environment(None, False, tmp_path)) == []
    assert set(ALLOCATOR) < set(not_in_effect({}))


def test_linear_algebra_runs_on_one_thread_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    assert graph_environment(None, False, tmp_path)["OPENBLAS_NUM_THREADS"] == "1"
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        with monkeypatch.context() as patch:
            patch.setenv(name, "4")
            assert "OPENBLAS_NUM_THREADS" not in graph_environment(None, False, tmp_path)


def test_only_the_network_profile_leaves_loopback() -> None:
    def whitelist(name: str) -> list[str]:
        root = ElementTree.parse(config_folder() / name).getroot()
        return [e.text or "" for e in root.iter() if e.tag.endswith("}address")]

    assert whitelist("fastdds.xml") == ["127.0.0.1"]
    assert whitelist("fastdds_network.xml") == []


def test_the_two_profiles_differ_in_nothing_else() -> None:
    def settings(name: str) -> list[tuple[str, str]]:
        root = ElementTree.parse(config_folder() / name).getroot()
        return [
            (e.tag, (e.text or "").strip())
            for e in root.iter()
            if not e.tag.endswith(("}interfaceWhiteList", "}address"))
        ]

    assert settings("fastdds.xml") == settings("fastdds_network.xml")


@pytest.mark.parametrize("name", ["fastdds", "fastdds_network"])
def test_a_profile_and_its_small_one_differ_in_sizes_only(name: str) -> None:
    def settings(path: Path) -> dict[str, str]:
        return {e.tag.rpartition("}")[2]: e.text or "" for e in ElementTree.parse(path).iter()}

    large = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(config_folder() / f"{name}.xml")}
    (small,) = without_pictures(large).values()
    one, other = settings(Path(*large.values())), settings(Path(small))
    differing = {tag for tag in one | other if one.get(tag) != other.get(tag)}
    assert differing == {"segment_size", "maxMessageSize"}
    assert int(other["maxMessageSize"]) <= int(other["segment_size"]) < int(one["segment_size"])
    assert without_pictures({}) == {}


def test_a_participant_that_joins_holds_senders_up_for_less_than_an_encoder_bears() -> None:
    root = ElementTree.parse(config_folder() / "fastdds.xml").getroot()
    (timeout,) = [e for e in root.iter() if e.tag.endswith("}healthy_check_timeout_ms")]
    # Fast DDS: port_wait_timeout_ms = healthy_check_timeout_ms / 3, slept before the first send
    stall_ms = int(timeout.text or "") / 3
    assert stall_ms <= VisionEncoderNode.waiting * 1000 / FRAME_RATE_HZ


def test_two_leases_never_share_a_domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROS_DOMAIN_ID", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    first, second = DomainLease(), DomainLease()
    assert first.domain_id != second.domain_id
    freed = first.domain_id
    first.release()
    third = DomainLease()
    assert third.domain_id == freed
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.glob("sage-*-domain-*.lock")}
    assert modes == {0o600}
    second.release()
    third.release()


def test_a_domain_that_was_given_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", "77")
    assert DomainLease().domain_id == 77


@pytest.mark.parametrize("text", ["233", "-1", "seven"])
def test_a_wrong_domain_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ROS_DOMAIN_ID", text)
    with pytest.raises(InvalidInput, match="ROS_DOMAIN_ID"):
        DomainLease()


def test_logs_go_to_the_home_folder_unless_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ROS_LOG_DIR", raising=False)
    assert graph_environment(1, False, tmp_path)["ROS_LOG_DIR"] == str(tmp_path / "log")
    monkeypatch.setenv("ROS_LOG_DIR", "/elsewhere")
    assert "ROS_LOG_DIR" not in graph_environment(1, False, tmp_path)
    assert os.environ["ROS_LOG_DIR"] == "/elsewhere"
