"""The same done to a mailbox and to its twin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from sage_cuda_mailbox import MailboxError


def both(real: Callable[[], Any], twin: Callable[[], Any]) -> tuple[Any, Any] | None:
    """What the two return; None if both raise, which must be the same error."""
    expected, error = _outcome(twin)
    found, raised = _outcome(real)
    assert raised is error, f"raised {raised}, the twin {error}"
    return None if error is not None else (found, expected)


def _outcome(action: Callable[[], Any]) -> tuple[Any, type[MailboxError] | None]:
    try:
        return action(), None
    except MailboxError as error:
        return None, type(error)


def run_machine(
    machine: type[RuleBasedStateMachine], backend: str, examples: int, steps: int
) -> None:
    """Run a state machine on a backend, in so many examples of at most so many steps."""
    run_state_machine_as_test(
        type("Machine", (machine,), {"backend": backend}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],  # the machine may have other work
        ),
    )
