"""Pictures as nodes get them: looked at where a camera wrote them, or out of a message."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import MAX_SIDE_PX, image_to_rgb
from sage_common.ros.tensors import mailboxes


class Picture:
    """One picture; a context manager, which gives it back.

    What came through a mailbox is lent: give it back as soon as possible. It also goes back when
    nothing refers to the picture and its pixels any more.

    Args:
        pixels: uint8 RGB [height, width, 3]. Not to be written.
        header: of the frame.
        lease: `sage_cuda_mailbox.ReadLease` on the memory of `pixels`; None: they are a message's.
    """

    def __init__(self, pixels: NDArray[np.uint8], header: Header, lease: Any = None) -> None:
        self.pixels = pixels
        self.header = header
        self._lease = lease
        self._is_whole = True

    @classmethod
    def lent(cls, lease: Any, header: Header) -> Picture:
        """A picture in a mailbox.

        Raises:
            InvalidInput: the tensor is no picture.
        """
        shape = tuple(lease.shape)
        if lease.dtype != "uint8":
            raise InvalidInput("dtype", lease.dtype, "uint8")
        if len(shape) != 3 or shape[2] != 3 or max(shape) > MAX_SIDE_PX:
            raise InvalidInput("shape", shape, f"[height, width, 3], up to {MAX_SIDE_PX} px")
        if lease.device >= 0:
            raise InvalidInput("device", lease.device, "-1: host memory")
        return cls(lease.numpy(), header, lease)

    @classmethod
    def of_message(cls, message: Any) -> Picture:
        """A picture out of an image message.

        Raises:
            InvalidInput: as `image_to_rgb`.
        """
        return cls(image_to_rgb(message), message.header)

    def is_whole(self) -> bool:
        """False if the pixels may be another picture's by now: the camera needed the memory."""
        if self._lease is not None:
            try:
                self._lease.check()
            except mailboxes.library.MailboxError:
                self._is_whole = False
        return self._is_whole

    def release(self) -> bool:
        """Give it back; False if what was made of the pixels so far is worth nothing."""
        lease, self._lease = self._lease, None
        if lease is not None:
            try:
                lease.release()
            except mailboxes.library.MailboxError:
                self._is_whole = False
        return self._is_whole

    def __enter__(self) -> Picture:
        return self

    def __exit__(self, *raised: object) -> None:
        self.release()
