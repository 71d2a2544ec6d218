"""Parameters of the memory node."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.specs.modality import usual_modalities
from sage_memory.core.sleep.options import SleepOptions


@dataclass(frozen=True)
class MemoryParameters(NodeParameters):
    """Parameters of the memory node."""

    modalities: tuple[str, ...] = parameter(
        usual_modalities(), doc="modalities that are remembered"
    )
    device_id: str = parameter(
        "", doc="name of this device in every record; empty: as the store says, or from the host"
    )
    database_url: str = parameter(
        "",
        doc="PostgreSQL database in place of the file, postgresql+pg8000://user@host/database; "
        "empty: $SAGE_MEMORY_URL or the file memory.db",
    )
    encryption_key_file: str = parameter(
        "",
        doc="file with the key of an encrypted store, outside of home; empty: "
        "$SAGE_MEMORY_KEY_FILE, $SAGE_MEMORY_KEY, or not encrypted",
    )
    payloads: bool = parameter(
        True, doc="keep the picture, sound or motion of a moment; false: subscribe none of them"
    )
    camera: str = parameter("front", doc="camera whose pictures are kept")
    microphone: str = parameter("front", doc="microphone whose sound is kept")
    imu: str = parameter("body", doc="IMU whose motion is kept")
    own_sensors: tuple[str, ...] = parameter(
        (),
        doc="sensors of modalities with a topic of their own, `MODALITY TOPIC TYPE [PAYLOAD]` "
        "each: the message of a moment is kept as an MCAP file, or as PAYLOAD (module:function) "
        "makes it; the graph fills it in",
    )
    blur_faces: bool = parameter(
        False,
        doc="faces that are found in kept pictures become one colour each; without the network "
        "that finds them (`make demo OPTIONS=1`) pictures are not kept",
    )
    private_modalities: tuple[str, ...] = parameter(
        (),
        doc="modalities of which only time, place and salience are kept: no payload, words, "
        "puzzle, embedding or labels",
    )
    private_places: tuple[str, ...] = parameter(
        (),
        doc="names of places in which all modalities are private, beside those of "
        "`sage place NAME --private`",
    )
    payload_cap_mb: float = parameter(
        500.0, doc="most bytes of all payloads; the least recently used go", unit="MB", low=0.0
    )
    min_free_mb: float = parameter(
        200.0, doc="no payloads when the disk would have less left than this", unit="MB", low=0.0
    )
    queue_size: int = parameter(
        256, doc="experiences that may wait for the disk; more are refused", low=1, high=65536
    )
    buffer_items: int = parameter(
        10, doc="moments a modality's short-term buffer holds", low=1, high=1000
    )
    newer_items: int = parameter(
        3, doc="moments that must follow one before it is judged, fewer than buffer_items", low=0
    )
    false_alarms_per_hour: float = parameter(
        60.0,
        doc="moments are kept whose fused salience comes this often or less while nothing happens",
        unit="1/h",
        low=0.01,
        high=36000.0,
        replaces=("salience_floor",),
    )
    spacing_s: float = parameter(
        1.0,
        doc="least time between two kept moments of a modality",
        unit="s",
        low=0.01,
        high=3600.0,
    )
    max_place_sigma_m: float = parameter(
        1.0,
        doc="a pose is known well enough up to this standard deviation in its worst direction",
        unit="m",
        low=0.0,
    )
    max_place_age_s: float = parameter(
        10.0,
        doc="a moment gets the pose nearest in time if it is not further away than this",
        unit="s",
        low=0.0,
    )
    words_window_s: float = parameter(
        10.0, doc="words go with what happens up to this long after them", unit="s", low=0.0
    )
    labels_window_s: float = parameter(
        0.2,
        doc="what was recognised goes with moments of its source up to this far away in time",
        unit="s",
        low=0.0,
        high=10.0,
    )
    sound_labels_s: float = parameter(
        2.5,
        doc="a sound takes the surest name that is found up to this long after it, before the "
        "next one that is kept",
        unit="s",
        low=0.0,
        high=10.0,
    )
    name_pictures: bool = parameter(
        True,
        doc="kept pictures are named, so that words find them (`sage weights` writes the model)",
    )
    reembed_period_s: float = parameter(
        1.0,
        doc="time between two batches of vectors for what was kept with other encoders; 0: never",
        unit="s",
        low=0.0,
    )
    payload_ttl_s: float = parameter(
        0.0, doc="payloads not asked for in this time go; 0: never for age", unit="s", low=0.0
    )
    payload_cap_yellow: float = parameter(
        0.5,
        doc="share of payload_cap_mb that may be used at pressure yellow and orange",
        low=0.0,
        high=1.0,
    )
    payload_cap_red: float = parameter(
        0.1,
        doc="share of payload_cap_mb that may be used at pressure red and critical",
        low=0.0,
        high=1.0,
    )
    verbatim_affect: float = parameter(
        0.0, doc="moments of less affect keep no payload; 0: all do", low=0.0, high=1.0
    )
    trust_half_life_s: float = parameter(
        604800.0, doc="time in which the trust in a source falls half way to 0.5", unit="s", low=1.0
    )
    sleep_target_share: float = parameter(
        0.2, doc="share of its bytes that sleep leaves a memory", low=0.01, high=1.0
    )
    sleep_salience_floor: float = parameter(
        0.6,
        doc="sleep touches nothing whose total salience reaches this; 0.5: as rare as false alarms "
        "were asked to be",
        low=0.0,
        high=1.0,
    )
    sleep_similarity: float = parameter(
        0.9, doc="moments of one source merge above this cosine similarity", low=0.0, high=1.0
    )
    sleep_span_s: float = parameter(
        600.0, doc="moments without a common place merge within this time", unit="s", low=1.0
    )
    sleep_grace_s: float = parameter(
        604800.0, doc="time in which what a sleep evicted can be restored", unit="s", low=0.0
    )
    sleep_idle_s: float = parameter(
        0.0, doc="sleep after this time without a salient moment; 0: never alone", unit="s", low=0.0
    )
    sleep_idle_false_alarms_per_hour: float = parameter(
        1.0,
        doc="fused salience that comes this often or less while nothing happens is no idling",
        unit="1/h",
        low=0.01,
        high=36000.0,
        replaces=("sleep_idle_salience",),
    )
    sleep_every_s: float = parameter(
        86400.0, doc="least time between two sleeps that nobody asks for", unit="s", low=60.0
    )

    def sleep_options(self) -> SleepOptions:
        """How the memory is to sleep."""
        return SleepOptions(
            target_share=self.sleep_target_share,
            salience_floor=self.sleep_salience_floor,
            similarity=self.sleep_similarity,
            span_s=self.sleep_span_s,
            grace_s=self.sleep_grace_s,
        )
