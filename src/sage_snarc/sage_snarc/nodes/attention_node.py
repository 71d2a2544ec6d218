"""Turns fused salience into a region to attend to, and into pictures for rviz."""

from __future__ import annotations

from std_msgs.msg import Header

from sage_common.core.clock import NS_PER_S
from sage_common.core.diagnosis import stages
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import camera_modality
from sage_common.core.state.fields import Transient
from sage_common.core.synthetic import sensor_name
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.node import SageNode
from sage_encoders.core.framing import Framing
from sage_msgs.msg import Attention as AttentionMessage
from sage_msgs.msg import FusedSalience, MetabolicState, Salience
from sage_snarc.core.attention import Attention, Region
from sage_snarc.core.overlay import heat_map
from sage_snarc.nodes.attention_message import attention_message, no_attention
from sage_snarc.nodes.markers import salience_bars
from sage_snarc.nodes.messages import grid_of
from sage_snarc.nodes.places import places_of
from sage_snarc.params import AttentionParameters

CAMERA = "camera"


class AttentionNode(SageNode):
    """At most `rate_hz` times a second, where the most salient moment since the last time was.

    While cycles of the orchestrator are long, once a cycle.
    """

    default_name = "attention"
    parameters_type = AttentionParameters
    parameters: AttentionParameters
    _core: Transient[Attention]
    _best: Transient[FusedSalience | None]
    _last_ns: Transient[int]
    _cycle_ns: Transient[int]
    _state: Transient[MetabolicState | None]

    def on_configure(self) -> None:
        self._core = Attention()
        self._camera_modality = camera_modality()
        self._best = None
        self._last_ns = self._cycle_ns = 0
        self._state = None
        self._attention = self.publisher("attention")
        self._markers = self.publisher("markers")
        self._heatmap = self.publisher("heatmap")
        self._cameras = {
            name: self.keep_latest("camera/info", 1, name=name) for name in self.parameters.cameras
        }
        self.subscribe("fused_salience", self._on_fused).timing = self.timing(stages.ATTEND)
        self.subscribe("state", self._on_state)

    def _on_fused(self, message: FusedSalience) -> None:
        if self._best is None or message.total >= self._best.total:
            self._best = message
        now_ns = self.clock.now_ns()
        period_ns = max(round(NS_PER_S / self.parameters.rate_hz), self._cycle_ns)
        if 0 <= now_ns - self._last_ns < period_ns:
            return
        self._last_ns = now_ns
        chosen, self._best = self._best, None
        seen = _percept_to_attend(chosen, self._camera_modality)
        regions: tuple[Region, ...] = ()
        if seen is not None:
            key = f"{seen.modality}/{seen.source}"
            stamp, count = stamp_ns(chosen.header.stamp), self.parameters.regions
            regions = self._core.choose(key, stamp, grid_of(seen), count)
        self._attention.publish(self._message(chosen, seen, regions))
        if self._markers.subscriber_count:
            frame_id = self.parameters.marker_frame
            self._markers.publish(salience_bars(chosen, frame_id, self._state))
        if self._heatmap.subscriber_count and seen is not None:
            picture = heat_map(grid_of(seen), [region.area for region in regions])
            self._heatmap.publish(array_to_image(picture, "rgb8", self._heatmap_header(seen)))

    def _heatmap_header(self, seen: Salience) -> Header:
        """Words are nowhere in space, and a sensor need not say where it is: rviz wants a frame."""
        placed = seen.header.frame_id and not self.modality_specs[seen.modality].words
        frame_id = seen.header.frame_id if placed else self.parameters.marker_frame
        return Header(stamp=seen.header.stamp, frame_id=frame_id)

    def _on_state(self, message: MetabolicState) -> None:
        self._state, self._cycle_ns = message, round(message.cycle_ms * 1e6)

    def _message(
        self, fused: FusedSalience, seen: Salience | None, regions: tuple[Region, ...]
    ) -> AttentionMessage:
        if seen is None or not regions:
            return no_attention(fused, seen)
        places = places_of(self.modality_specs[seen.modality])
        return attention_message(fused, seen, regions, places, self._framing(seen))

    def _framing(self, seen: Salience) -> Framing | None:
        """How the native picture became the percept; None unless its camera's size is known."""
        is_picture = self.modality_specs[seen.modality].stream == CAMERA
        kept = self._cameras.get(sensor_name(seen.source)) if is_picture else None
        info = None
        if kept is not None:
            try:
                info = kept.newest()
            except InvalidInput as fault:
                self.log.warning(f"camera info not used: {fault}", throttle_s=1.0, key="info")
        if info is None or info.width == 0 or info.height == 0:
            return None
        return Framing.of(info.width, info.height, self.parameters.fit)


def _percept_to_attend(fused: FusedSalience, otherwise: str) -> Salience | None:
    """Salience of the dominant modality if it has a grid, else of `otherwise`, else nothing."""
    by_name = {item.modality: item for item in fused.modalities if len(item.grid)}
    return by_name.get(fused.dominant_modality) or by_name.get(otherwise)
