"""The standard service that sets parameters, on the lock-step host."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter

from sage_common.core.parameters import ParameterError, check_change

SET_PARAMETERS = "~/set_parameters"


class ParameterService:
    """Sets parameters of one node; what it answers is what rclpy would.

    Args:
        cls: the dataclass of the parameters.
        values: of those that were given, by name; changed here.
        changed: called after each that was set.
    """

    def __init__(
        self, cls: type, values: MutableMapping[str, object], changed: Callable[[], None]
    ) -> None:
        self._cls = cls
        self._values = values
        self._changed = changed

    def set_all(
        self, request: SetParameters.Request, response: SetParameters.Response
    ) -> SetParameters.Response:
        """The handler of the service."""
        response.results = [self._set(message) for message in request.parameters]
        return response

    def _set(self, message: object) -> SetParametersResult:
        change = Parameter.from_parameter_msg(message)
        try:
            check_change(self._cls, change.name, change.value)
        except ParameterError as error:
            return SetParametersResult(successful=False, reason=str(error))
        self._values[change.name] = change.value
        self._changed()
        return SetParametersResult(successful=True)
