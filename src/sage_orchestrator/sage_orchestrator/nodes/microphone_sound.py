"""What one microphone of the graph offers to plugins: its last seconds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from audio_common_msgs.msg import AudioInfo

from sage_common.core.clock import NS_PER_MS
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.audio import SAMPLE_RATE_HZ, audio_info, audio_to_array
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_orchestrator.core.plugin import HeardSound

PIECES = 300
"""Of 100 ms: 30 s."""
OWN_WORDS = 256
ECHO_NS = 600 * NS_PER_MS
"""How long a word of the robot's own is heard after it was last said to be under way."""
EARLY_NS = 400 * NS_PER_MS
"""How much earlier than that it may have begun."""


class MicrophoneSound:
    """Keeps what a microphone sends as it came, and opens it when somebody listens.

    Args:
        node: that hears; to be made when it is configured.
        name: of the microphone.
    """

    def __init__(self, node: SageNode, name: str) -> None:
        self._sounds = node.keep_latest("microphone/audio", PIECES, name=name)
        self._own_words = node.keep_latest("speaking", OWN_WORDS)
        self._info = audio_info()
        node.subscribe("microphone/info", self._on_info, name=name)

    def sounds(self, start_ns: int, end_ns: int) -> Sequence[HeardSound]:
        """See `capabilities.Sounds`."""
        info = self._info
        if info.sample_rate != SAMPLE_RATE_HZ:
            raise InvalidInput(
                "sample_rate",
                info.sample_rate,
                f"{SAMPLE_RATE_HZ} Hz: let a microphone node resample it (backend topic, "
                f"topic_sample_rate_hz {info.sample_rate})",
            )
        own = self._own_words.between(max(start_ns - ECHO_NS, 0), end_ns + EARLY_NS)
        said_ns = [stamp_ns(words.header.stamp) for words in own]
        pieces = []
        for message in self._sounds.between(start_ns, end_ns):
            at_ns, samples = stamp_ns(message.header.stamp), audio_to_array(message, info)
            if any(at_ns - ECHO_NS <= word_ns <= at_ns + EARLY_NS for word_ns in said_ns):
                samples = np.zeros_like(samples)
            pieces.append(HeardSound(at_ns, samples))
        return pieces

    def _on_info(self, message: AudioInfo) -> None:
        self._info = message
