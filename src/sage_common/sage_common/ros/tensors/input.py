"""Pictures of a camera: out of its mailbox where that can be looked into, else from messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.health import InputHealth
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.host import Logger
from sage_common.ros.tensors.connection import MailboxUnreachable
from sage_common.ros.tensors.picture import Picture
from sage_common.ros.tensors.reader import TensorGone, TensorReader
from sage_msgs.msg import TensorHandle

LOOK_PERIOD_S = 0.25
SILENCE_S = 1.0
# A slow camera is waited for longer: this many of its periods.
SILENT_PERIODS = 4.0
# A camera that comes and goes is logged once so often.
SAID_PERIOD_NS = 60 * NS_PER_S
NO_TENSOR = "no tensor came"
NOTHING = "none (neither tensor nor image came)"


class TensorInput:
    """Chooses the way on which pictures come, and goes over to the other when it has to.

    It begins with handles of tensors. If none can be opened for a second, or the mailbox cannot
    be attached (another machine, another user), it subscribes to images, and ends that
    subscription when a tensor can be opened again. It says that it takes images once there are
    any: while no camera publishes, there is nothing to say. What it said, it takes back.

    Args:
        deliver: gets each picture, once.
        log: of the node.
        stopwatch_ns: a clock for silences.

    Attributes:
        late: tensors that had gone before they could be opened.
        missed: tensors that were published between two that could be opened, late ones included.
    """

    def __init__(
        self, deliver: Callable[[Picture], None], log: Logger, stopwatch_ns: Callable[[], int]
    ) -> None:
        self.late = self.missed = 0
        self._deliver = deliver
        self._log = log
        self._stopwatch_ns = stopwatch_ns
        self._said_ns: dict[str, int] = {}
        self._logged = self._reason = ""
        self._images_before = 0
        self._image_seen_ns: int | None = None
        self._end_images: Callable[[], None] | None = None
        self._opened_ns: int | None = None
        self._delivered_ns = 0
        self._tag = 0

    def connect(
        self,
        reader: TensorReader,
        subscribe_images: Callable[[], Callable[[], None]],
        handles: InputHealth,
        images: InputHealth,
    ) -> None:
        """Both ways.

        Args:
            reader: opens tensors.
            subscribe_images: subscribes to images, and returns what ends that.
            handles, images: health of both; only the way in use is expected to be alive.
        """
        self._reader = reader
        self._subscribe_images = subscribe_images
        self._healths = (handles, images)
        self._expected = (handles.rate_hz, handles.max_age_s)
        self._expect(handles)

    def on_handle(self, handle: TensorHandle) -> None:
        """Open what a handle names.

        Raises:
            InvalidInput: naming the field of the handle at fault.
        """
        try:
            lease = self._reader.open(handle)
        except TensorGone:
            self.late += 1
            return
        except MailboxUnreachable as error:
            self._use_images(str(error))
            self._say(self._log.warning)
            return
        picture = Picture.lent(lease, handle.header)
        self._opened_ns = self._stopwatch_ns()
        if self._tag:
            self.missed += max(handle.tag - self._tag - 1, 0)  # a camera started anew begins at 1
        self._tag = handle.tag
        self._use_tensors()
        self._pass_on(picture)

    def on_image(self, message: Any) -> None:
        """Take a picture out of a message.

        Raises:
            InvalidInput: naming the field of the message at fault.
        """
        if self._end_images is not None:  # else it was under way when the subscription ended
            self._pass_on(Picture.of_message(message))

    def tick(self) -> None:
        """Look whether tensors come; to be called every LOOK_PERIOD_S."""
        now_ns = self._stopwatch_ns()
        if self._opened_ns is None:
            self._opened_ns = now_ns
        rate_hz = self._healths[0].measured_rate_hz
        patience_s = max(SILENCE_S, SILENT_PERIODS / rate_hz) if rate_hz else SILENCE_S
        if self._end_images is None:
            if now_ns - self._opened_ns > patience_s * NS_PER_S:
                self._use_images(NO_TENSOR)
        elif self._image_came:
            if self._image_seen_ns is None:
                self._image_seen_ns = now_ns
            # A camera of SAGE's that has just begun may give images first; that is nothing to log.
            if now_ns - self._image_seen_ns > SILENCE_S * NS_PER_S:
                self._say(self._log.info)

    def close(self) -> None:
        """The node became inactive: leave the mailbox, and begin anew afterwards."""
        self._reader.close()
        self._logged = ""
        self._use_tensors()
        self._opened_ns = None
        self._tag = 0

    def facts(self) -> dict[str, object]:
        """For /diagnostics."""
        way = f"mailbox {self._reader.backend}".rstrip()
        if self._end_images is not None:
            silent = self._reason == NO_TENSOR and not self._image_came
            way = NOTHING if silent else f"image ({self._reason})"
        return {"transport": way, "tensors late": self.late, "tensors missed": self.missed}

    def _pass_on(self, picture: Picture) -> None:
        # The first tensor after images may be the same frame as the last of these.
        stamp = stamp_ns(picture.header.stamp)
        if stamp != self._delivered_ns:
            self._delivered_ns = stamp
            self._deliver(picture)

    @property
    def _image_came(self) -> bool:
        """Since images were subscribed."""
        return self._healths[1].received > self._images_before

    def _use_images(self, reason: str) -> None:
        images = self._healths[1]
        if self._end_images is None:
            self._images_before, self._image_seen_ns = images.received, None
            self._end_images = self._subscribe_images()
            self._expect(images)
        self._reason = reason

    def _say(self, say: Callable[[str], None]) -> None:
        """Say that images are taken, once for each reason and period."""
        now_ns, said_ns = self._stopwatch_ns(), self._said_ns.get(self._reason)
        said_lately = said_ns is not None and now_ns - said_ns < SAID_PERIOD_NS
        if self._logged == self._reason or said_lately:
            return
        self._said_ns[self._reason] = now_ns
        self._logged = self._reason
        handles, images = self._healths
        say(f"{images.topic}: taken instead of {handles.topic}: {self._reason}")

    def _use_tensors(self) -> None:
        end, self._end_images = self._end_images, None
        if end is not None:
            end()
            self._expect(self._healths[0])
        if self._logged:
            self._logged = ""
            handles, images = self._healths
            self._log.info(f"{handles.topic}: taken again, and no longer {images.topic}")

    def _expect(self, used: InputHealth) -> None:
        for health in self._healths:
            expected = self._expected if health is used else (0.0, 0.0)
            health.rate_hz, health.max_age_s = expected
