"""A stand-in for ROS 2's `launch`: what our launch files use of it, with its scopes.

As in launch, actions run in order in one context; a group puts configurations and environment back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest


@dataclass
class Context:
    """What actions read and change; `started` has each process's name and environment."""

    environment: dict[str, str] = field(default_factory=dict)
    configurations: dict[str, str] = field(default_factory=dict)
    started: list[tuple[str, dict[str, str]]] = field(default_factory=list)


class Action:
    """Anything that a launch description holds."""

    def run(self, context: Context) -> None:
        """Do it."""


class SetEnvironmentVariable(Action):
    def __init__(self, name: str, value: str) -> None:
        self.item = (name, value)

    def run(self, context: Context) -> None:
        context.environment.update([self.item])


class DeclareLaunchArgument(Action):
    def __init__(self, name: str, default_value: str, description: str) -> None:
        self.item = (name, default_value)

    def run(self, context: Context) -> None:
        context.configurations.setdefault(*self.item)


class LogInfo(Action):
    def __init__(self, msg: str) -> None:
        self.msg = msg


class OpaqueFunction(Action):
    def __init__(self, function: Callable[[Context], list[Action]]) -> None:
        self.function = function

    def run(self, context: Context) -> None:
        run(self.function(context), context)


class GroupAction(Action):
    def __init__(self, actions: list[Action], scoped: bool, forwarding: bool) -> None:
        assert scoped and forwarding
        self.actions = actions

    def run(self, context: Context) -> None:
        environment, configurations = dict(context.environment), dict(context.configurations)
        run(self.actions, context)
        context.environment, context.configurations = environment, configurations


class LaunchConfiguration:
    def __init__(self, name: str) -> None:
        self.name = name

    def perform(self, context: Context) -> str:
        return context.configurations[self.name]


class Node(Action):
    def __init__(self, executable: str, additional_env: dict[str, str], **rest: Any) -> None:
        self.executable, self.additional_env = executable, additional_env

    def run(self, context: Context) -> None:
        environment = {**context.environment, **self.additional_env}
        context.started.append((self.executable, environment))


def run(actions: Sequence[Action], context: Context) -> None:
    """Run actions one after the other, as launch does with a LaunchDescription."""
    for action in actions:
        action.run(context)


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `import launch` and `import launch_ros` find this."""
    actions = (SetEnvironmentVariable, DeclareLaunchArgument, LogInfo, OpaqueFunction, GroupAction)
    contents: dict[str, dict[str, Any]] = {
        "launch": {"LaunchDescription": list},
        "launch.actions": {action.__name__: action for action in actions},
        "launch.substitutions": {"LaunchConfiguration": LaunchConfiguration},
        "launch_ros": {},
        "launch_ros.actions": {"Node": Node},
    }
    for name, attributes in contents.items():
        module = ModuleType(name)
        vars(module).update(attributes)
        monkeypatch.setitem(sys.modules, name, module)
