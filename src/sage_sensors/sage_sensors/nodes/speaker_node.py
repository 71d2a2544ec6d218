"""Says words aloud."""

from __future__ import annotations

from std_msgs.msg import Header, String

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import Utterance
from sage_sensors.backends.voice import Voice
from sage_sensors.params import SpeakerParameters

PERIOD_S = 0.25


class SpeakerNode(SageNode):
    """Says the newest words; while it does, it says so four times a second on `speaking`."""

    default_name = "speaker"
    parameters_type = SpeakerParameters
    parameters: SpeakerParameters

    def on_configure(self) -> None:
        self._voice: Voice | None = None
        self._text = ""
        self._speaking = self.publisher("speaking")
        self.subscribe("speak", self._on_speak)
        self.timer(PERIOD_S, self._look)

    def on_activate(self) -> None:
        try:
            self._voice = Voice(self.parameters.program)
        except InvalidInput as error:
            self.set_health("error", f"cannot speak: {error}")
            return
        self.set_health("ok", "running")

    def on_deactivate(self) -> None:
        if self._voice is not None:
            self._voice.stop()
        self._voice, self._text = None, ""

    def _on_speak(self, message: String) -> None:
        text = " ".join(message.data.split())
        if self._voice is None:
            self.log.warning("words are not said: there is no program", throttle_s=1.0)
            return
        self._end()
        if text:
            self._text = text
            self._announce()
            self._voice.say(text)

    def _look(self) -> None:
        if self._voice is None or not self._text:
            return
        try:
            if self._voice.speaks():
                self._announce()
                return
        except InvalidInput as error:
            self.log.warning(f"not said: {error}", throttle_s=1.0)
        self._end()

    def _end(self) -> None:
        """Fall silent; what was being said has ended now."""
        if self._voice is not None and self._text:
            self._voice.stop()
            self._announce()
        self._text = ""

    def _announce(self) -> None:
        header = Header(stamp=to_stamp(self.clock.now_ns()), frame_id=self.name)
        self._speaking.publish(Utterance(header=header, text=self._text, confidence=1.0))
