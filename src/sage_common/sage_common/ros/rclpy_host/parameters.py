"""Parameter dataclasses as ROS parameters: declared, described, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import rclpy.node
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from sage_common.core.parameters import (
    IN_USE,
    ParameterError,
    ParameterSpec,
    build,
    is_ros_parameter,
    specs,
)


class RosParameters:
    """Declares the parameters of one node, once for each dataclass.

    Attributes:
        in_use: the node is configured with them: until it is cleaned up, only those can be set
            that may be changed while it is active.
        on_change: called when some of these were.
    """

    def __init__(self, node: rclpy.node.Node) -> None:
        self._node = node
        self.in_use = False
        self.on_change: Callable[[], None] = lambda: None
        self._known: dict[str, ParameterSpec] = {}

    def read(self, cls: type) -> Any:
        """An instance of the dataclass from what was given on the command line and in files.

        Raises:
            ParameterError: an unknown parameter (the nearest known one is named) or a wrong value.
        """
        given = {n: value for n, value in self.overrides.items() if not is_ros_parameter(n)}
        own = {spec.name: spec for spec in specs(cls)}
        build(cls, {name: _filled(own.get(name), value) for name, value in given.items()})
        if not self._known:
            self._node.add_on_set_parameters_callback(self._check)
            self._node.add_post_set_parameters_callback(self._report)
        for name, spec in own.items():
            if not self._node.has_parameter(name):
                self._node.declare_parameter(name, _ros_value(spec.default), _descriptor(spec))
        self._known.update(own)  # last: declaring one while the node is in use is no change of it
        values = {name: _value(self._node.get_parameter(name)) for name in own}
        return build(cls, {name: _filled(own[name], value) for name, value in values.items()})

    @property
    def overrides(self) -> Mapping[str, object]:
        """Parameter values given from outside."""
        given = self._node._parameter_overrides
        return {name: _value(parameter) for name, parameter in given.items()}

    def set_all(self, request: SetParameters.Request, timeout_s: float) -> SetParameters.Response:
        """The standard service, for callers in this process; it does not wait."""
        changes = [Parameter.from_parameter_msg(message) for message in request.parameters]
        return SetParameters.Response(results=self._node.set_parameters(changes))

    def _check(self, changes: list[Parameter]) -> SetParametersResult:
        """Refuse a wrong value, and any that would not take effect before the next `configure`."""
        for change in changes:
            spec = self._known.get(change.name)
            if spec is None and not is_ros_parameter(change.name):
                continue  # it is being declared
            try:
                if spec is not None:
                    spec.convert(_filled(spec, _value(change)))
            except ParameterError as error:
                return SetParametersResult(successful=False, reason=str(error))
            if self.in_use and not (spec is not None and spec.changeable):
                return SetParametersResult(successful=False, reason=f"{change.name}: {IN_USE}")
        return SetParametersResult(successful=True)

    def _report(self, changes: list[Parameter]) -> None:
        """Some have been set."""
        if self.in_use and any(change.name in self._known for change in changes):
            self.on_change()


def _value(parameter: Parameter) -> Any:
    value = parameter.value
    return value.tolist() if hasattr(value, "tolist") else value


def _filled(spec: ParameterSpec | None, value: Any) -> Any:
    """An empty list arrives from rcl as no value at all."""
    is_list = spec is not None and isinstance(spec.default, tuple)
    return [] if value is None and is_list else value


def _ros_value(default: Any) -> Any:
    return list(default) if isinstance(default, tuple) else default


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    unit = f" [{spec.unit}]" if spec.unit else ""
    descriptor = ParameterDescriptor(
        description=f"{spec.doc}{unit}",
        additional_constraints=spec.expected,
        # An empty list has no element type in rclpy, and YAML writes 30 for 30.0.
        dynamic_typing=True,
    )
    if spec.low is not None and spec.high is not None:
        if spec.type is int:
            descriptor.integer_range = [
                IntegerRange(from_value=int(spec.low), to_value=int(spec.high))
            ]
        elif spec.type is float:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(spec.low), to_value=float(spec.high))
            ]
    return descriptor
