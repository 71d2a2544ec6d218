"""Temperature, power and clock, where the board reports them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sage_orchestrator.core.pressure.reading import UNKNOWN

_INPUT_RAILS = ("VDD_IN", "VIN", "POM_5V_IN")
"""Labels of the rail that feeds all of a Jetson."""


@dataclass(frozen=True)
class BoardReading:
    """Each is -1 where the board does not report it.

    Attributes:
        temperature_c: of the hottest zone [degrees Celsius].
        power_w: of the whole board [W].
        clock_mhz: mean of the processors [MHz].
    """

    temperature_c: float = UNKNOWN
    power_w: float = UNKNOWN
    clock_mhz: float = UNKNOWN


def read_board(root: Path = Path("/")) -> BoardReading:
    """Read hwmon, thermal zones and cpufreq.

    Units are those of Linux `Documentation/hwmon/sysfs-interface.rst`.

    Args:
        root: where `sys` is.
    """
    sys = root / "sys"
    zones = _values((sys / "class/thermal").glob("thermal_zone*/temp"))
    sensors = _values((sys / "class/hwmon").glob("hwmon*/temp*_input"))
    clocks = _values((sys / "devices/system/cpu/cpufreq").glob("policy*/scaling_cur_freq"))
    temperatures = [value / 1e3 for value in (*zones, *sensors)]
    return BoardReading(
        max(temperatures, default=UNKNOWN),
        _power_w(sys / "class/hwmon"),
        sum(clocks) / len(clocks) / 1e3 if clocks else UNKNOWN,
    )


def _power_w(hwmon: Path) -> float:
    for labelled in sorted(hwmon.glob("hwmon*/*_label")):
        if _text(labelled) in _INPUT_RAILS:
            number = labelled.name.removesuffix("_label")[-1]
            volts = _values([labelled.with_name(f"in{number}_input")])
            amperes = _values([labelled.with_name(f"curr{number}_input")])
            if volts and amperes:
                return volts[0] * amperes[0] / 1e6
    powers = _values(sorted(hwmon.glob("hwmon*/power*_input")))
    return max(powers, default=-1e6) / 1e6


def _values(paths: Iterable[Path]) -> list[float]:
    """The numbers in these files, without those that cannot be read."""
    found = []
    for path in paths:
        text = _text(path)
        if text.removeprefix("-").isdigit():
            found.append(float(text))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:  # a sensor that is off answers so
        return ""
