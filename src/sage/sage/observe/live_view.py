"""The terminal view of a running graph: what matters now, why, and what it costs."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from sage.observe.counters import callback_errors
from sage.observe.highlights import Highlight
from sage.observe.latest import Latest
from sage.observe.sensors import heard_backends
from sage.observe.tally import Tally
from sage.observe.transports import fallbacks, in_words
from sage_common.core.synthetic import is_synthetic
from sage_orchestrator.core.metabolism.state import MetabolicState
from sage_snarc.core.reason import QUIET, as_rare_as

BAR_CELLS = 24
_BLOCKS = " ▏▎▍▌▋▊▉█"
UNIT = "0.50: as rare as the false alarms that were asked for, 60 an hour unless you set another"
HIGHLIGHTS = "most salient since this view began: sage explain TIME"
_COLOURS = {"shed": "cyan", "warn": "yellow"}
_STATES = ("idle", "running", "done", "spent", "timed out", "failed", "isolated")


def bar(value: float, cells: int = BAR_CELLS) -> Text:
    """A horizontal bar for a value of 0..1, coloured by its height."""
    value = min(max(value, 0.0), 1.0)
    eighths = round(value * cells * 8)
    full, rest = divmod(eighths, 8)
    drawn = "█" * full + (_BLOCKS[rest] if rest else "")
    colour = "red" if value >= 0.7 else "yellow" if value >= 0.35 else "green"
    return Text(f"{drawn:<{cells}}", style=colour)


def render(latest: Latest, tally: Tally, title: str) -> RenderableType:
    """The whole view.

    Args:
        latest: newest message of each kind.
        tally: counts since the observer started.
        title: first line, for instance profile, source and time.
    """
    return Group(
        Panel(_salience(latest), title=title, title_align="left"),
        Panel(_highlights(tally), title=HIGHLIGHTS, title_align="left"),
        Panel(_attention(latest), title="attention", title_align="left"),
        Panel(_budget(latest, tally), title="budget", title_align="left"),
        Panel(_memories(latest, tally), title="memory", title_align="left"),
        Panel(_health(latest, tally), title="health", title_align="left"),
    )


def in_a_line(latest: Latest, most: Highlight | None = None) -> str:
    """What matters now, and what is wrong first of all.

    Args:
        most: the most salient moment since the last line; None: the newest counts.
    """
    fused = latest.fused
    if fused is None:
        said = "no salience yet"
    elif most is not None:
        said = f"salience {most.total:.2f}  {most.reason}"
    else:
        reason = fused.reason if fused.valid else fused.invalid_reason
        said = f"salience {fused.total:.2f}  {reason}"
    causes = latest.causes()
    more = f"; and {len(causes) - 1} more at fault" if len(causes) > 1 else ""
    return f"{said}; {causes[0].level}: {causes[0].words}{more}" if causes else said


def _highlights(tally: Tally) -> RenderableType:
    found = [Text(moment.in_words()) for moment in tally.highlights.best()]
    return Group(*found) if found else Text("nothing stood out so far", style="dim")


def _salience(latest: Latest) -> RenderableType:
    table = Table.grid(padding=(0, 1), expand=True)
    table.add_column(width=14, min_width=14, no_wrap=True)
    table.add_column(ratio=2, no_wrap=True, overflow="crop")
    table.add_column(width=4, min_width=4, justify="right", no_wrap=True)
    table.add_column(ratio=3, overflow="fold")
    fused = latest.fused
    if fused is not None:
        reason = fused.reason if fused.valid else fused.invalid_reason
        if fused.valid and fused.total >= QUIET:
            reason += f" ({as_rare_as(fused.alarms_per_hour)})"
        table.add_row(Text("FUSED", style="bold"), bar(fused.total), f"{fused.total:.2f}", reason)
    own = {} if fused is None else {item.modality: item for item in fused.modalities}
    for modality in (*latest.modalities, *sorted(own.keys() - set(latest.modalities))):
        message = latest.saliences.get(modality, own.get(modality))
        if message is None:
            table.add_row(modality, Text("-" * BAR_CELLS, style="dim"), "", "nothing yet")
        elif not message.valid:
            table.add_row(modality, bar(0.0), "-", Text(message.invalid_reason, style="dim"))
        else:
            why = _own(message, fused)
            table.add_row(modality, bar(message.total), f"{message.total:.2f}", why)
    return Group(table, Text(UNIT, style="dim"))


def _own(message: Any, fused: Any) -> str:
    """The reason of a modality, unless the line above says it already."""
    is_said = fused is not None and fused.valid and message.reason in fused.reason
    return "as above" if message.reason and is_said else _marked(message)


def _marked(message: Any) -> str:
    """The reason of a salience or an experience, behind the mark of a synthetic signal."""
    mark = f"{message.source}: " if is_synthetic(message.source) else ""
    return mark + str(message.reason)


def _attention(latest: Latest) -> RenderableType:
    message = latest.attention
    if message is None or not message.valid:
        return Text("nothing to attend to", style="dim")
    roi = message.roi
    region = f"{roi.width}x{roi.height} px at ({roi.x_offset}, {roi.y_offset})"
    if not roi.width:
        region = (
            f"{message.x_min:.2f}..{message.x_max:.2f} x {message.y_min:.2f}..{message.y_max:.2f}"
        )
    return Text(f"{message.modality}: {region}, confidence {message.confidence:.2f}")


def _budget(latest: Latest, tally: Tally) -> RenderableType:
    state = latest.budget
    if state is None:
        return Text("nothing yet", style="dim")
    table = Table.grid(padding=(0, 1))
    if latest.state is not None:
        name, why = MetabolicState(latest.state.state).name, latest.state.reason
        energy = f"energy {latest.state.energy_reserve:.0%} by {latest.state.energy_source}"
        table.add_row("state", name, "", f"{why}; {energy}")
    table.add_row(
        "cycle", str(state.cycle), "",
        f"{state.spent_atp:.0f} of {state.budget_atp:.0f} ATP spent, "
        f"{state.returned_atp:.0f} returned{_rerated(state.rating)}",
    )  # fmt: skip
    for plugin in state.plugins:
        share = plugin.allocated_atp / state.budget_atp if state.budget_atp else 0.0
        table.add_row(
            plugin.name,
            _STATES[plugin.state],
            bar(share, 12),
            f"trust {plugin.trust:.2f}, spent {plugin.spent_atp:.0f} of "
            f"{plugin.allocated_atp:.0f} ATP in {plugin.steps} steps; "
            f"{tally.spent_atp[plugin.name]:.0f} ATP since this view began",
        )
        newest = latest.refinements.get(plugin.name)
        if newest is not None:
            table.add_row("", "", "", Text(newest.answer or newest.reason, style="cyan"))
    return table


def _rerated(rating: float) -> str:
    return "" if rating == 1.0 else f"; the processor keeps {rating:.0%} of the budget"


def _memories(latest: Latest, tally: Tally) -> RenderableType:
    lines = [Text(f"{tally.experiences.count} experiences kept since this view began")]
    for experience in latest.experiences:
        words = f' "{experience.text}"' if experience.text else ""
        lines.append(
            Text(
                f"{experience.id[-12:]} {experience.modality} {experience.total:.2f} "
                f"{_marked(experience)}{words}",
                overflow="fold",
            )
        )
    return Group(*_private(latest), *lines)


def _private(latest: Latest) -> list[Text]:
    """What is private, and whether it is here, as the memory says in its diagnostics."""
    shown = [{pair.key: pair.value for pair in status.values} for status in latest.statuses()]
    return [
        Text(
            f"private: modalities {values['private_modalities']}; places "
            f"{values['private_places']}; now: {values['private_here']}"
        )
        for values in shown
        if "private_here" in values
    ]


def _health(latest: Latest, tally: Tally) -> RenderableType:
    latency = tally.latency_ms.percentiles(50, 99)
    frames = tally.frames.counts()
    line = f"{frames.frames} frames since this view began, {_dropped(tally)}"
    if latency["p50"] is not None:
        line += f"; camera to salience p50 {latency['p50']} ms, p99 {latency['p99']} ms"
    lines: list[Any] = [Text(line)]
    ways = latest.transports()
    statuses = latest.statuses()
    for found in (fallbacks(ways), callback_errors(statuses)):
        lines += [Text(f"warn: {name}: {why}", style="yellow") for name, why in found.items()]
    lines += [Text(f"warn: {words}", style="yellow") for words in latest.warnings]
    for cause in latest.causes():
        colour = _COLOURS.get(cause.level, "red")
        lines.append(Text(f"{cause.level}: {cause.words}", style=colour))
    if len(lines) == 1 and statuses:
        lines.append(Text(f"all {len(statuses)} nodes are ok", style="green"))
    if said := in_words(ways):
        lines.insert(1, Text(said))
    if heard := heard_backends(statuses):
        lines.insert(1, Text("; ".join(f"{name}: {what}" for name, what in heard.items())))
    return Group(*lines)


def _dropped(tally: Tally) -> str:
    """How many frames were dropped, and what that means."""
    frames = tally.frames.counts()
    if frames.frames and not (tally.puzzles[tally.camera_modality] or frames.dropped):
        return f"none judged yet: no {tally.camera_modality} puzzle was seen"
    if not frames.dropped:
        return "0 dropped"
    parts = []
    if frames.not_encoded:
        parts.append(f"{frames.not_encoded} without a puzzle")
    if frames.not_announced:
        parts.append(f"{frames.not_announced} left out by the camera")
    return f"{frames.dropped} dropped ({', '.join(parts)})"
