"""Images between messages and arrays."""

from __future__ import annotations

import array

import cv2
import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import (
    array_to_image,
    compressed_to_rgb,
    image_to_array,
    image_to_rgb,
    rgb_to_compressed,
)

SHAPES = {
    "rgb8": (np.uint8, (3,)),
    "bgr8": (np.uint8, (3,)),
    "8UC3": (np.uint8, (3,)),
    "rgba8": (np.uint8, (4,)),
    "bgra8": (np.uint8, (4,)),
    "mono8": (np.uint8, ()),
    "8UC1": (np.uint8, ()),
    "mono16": (np.uint16, ()),
    "16UC1": (np.uint16, ()),
    "32FC1": (np.float32, ()),
    "yuv422_yuy2": (np.uint8, (2,)),
}
HEIGHT, WIDTH = 5, 6


def pixels_of(encoding: str) -> np.ndarray:
    dtype, channels = SHAPES[encoding]
    rng = np.random.default_rng(1)
    shape = (HEIGHT, WIDTH, *channels)
    if dtype is np.float32:
        return rng.normal(size=shape).astype(np.float32)
    return rng.integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


@pytest.mark.parametrize("encoding", sorted(SHAPES))
def test_round_trip(encoding):
    pixels = pixels_of(encoding)
    message = array_to_image(pixels, encoding, Header(frame_id="x"))
    assert (message.height, message.width, message.encoding) == (HEIGHT, WIDTH, encoding)
    assert message.step * message.height == len(message.data)
    back = image_to_array(message)
    assert back.dtype == pixels.dtype and np.array_equal(back, pixels)


@pytest.mark.parametrize("encoding", sorted(SHAPES))
def test_padded_rows_and_foreign_byte_order(encoding):
    pixels = pixels_of(encoding)
    row = pixels.itemsize * pixels[0].size
    step = row + 7 - (row + 7) % pixels.itemsize + pixels.itemsize
    foreign = pixels.astype(pixels.dtype.newbyteorder(">"))
    data = b"".join(line.tobytes() + b"\xee" * (step - row) for line in foreign)
    message = Image(height=HEIGHT, width=WIDTH, encoding=encoding, is_bigendian=1, step=step)
    message.data = array.array("B", data)
    back = image_to_array(message)
    assert back.dtype == pixels.dtype and back.dtype.isnative
    assert np.array_equal(back, pixels)


def test_depth_in_millimetres_is_exact():
    depth = np.array([[0, 1, 255, 256], [32767, 32768, 65534, 65535]], np.uint16)
    for encoding in ("16UC1", "mono16"):
        back = image_to_array(array_to_image(depth, encoding, Header()))
        assert back.dtype == np.uint16 and back.tolist() == depth.tolist()


def test_an_array_that_is_not_contiguous():
    pixels = pixels_of("rgb8")
    for view in (pixels[::-1], pixels[:, ::2], pixels.transpose(1, 0, 2), pixels[..., ::-1]):
        assert np.array_equal(image_to_array(array_to_image(view, "rgb8", Header())), view)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "8UC3", "rgba8", "bgra8", "mono8", "8UC1"])
def test_pictures_become_rgb(encoding):
    rgb = pixels_of("rgb8")
    sent = {
        "rgb8": rgb,
        "bgr8": rgb[..., ::-1],
        "8UC3": rgb[..., ::-1],
        "rgba8": np.dstack([rgb, np.full((HEIGHT, WIDTH), 9, np.uint8)]),
        "bgra8": np.dstack([rgb[..., ::-1], np.full((HEIGHT, WIDTH), 9, np.uint8)]),
        "mono8": rgb[..., 0],
        "8UC1": rgb[..., 0],
    }[encoding]
    expected = np.dstack([rgb[..., 0]] * 3) if sent.ndim == 2 else rgb
    assert np.array_equal(image_to_rgb(array_to_image(sent, encoding, Header())), expected)


def test_yuv_grey_is_grey_and_depth_is_no_picture():
    yuy2 = np.dstack([np.full((2, 4), 126, np.uint8), np.full((2, 4), 128, np.uint8)])
    rgb = image_to_rgb(array_to_image(yuy2, "yuv422_yuy2", Header()))
    assert rgb.shape == (2, 4, 3) and int(np.ptp(rgb)) == 0 and abs(int(rgb[0, 0, 0]) - 128) <= 2
    with pytest.raises(InvalidInput, match="encoding = '16UC1': expected a colour or grey picture"):
        image_to_rgb(array_to_image(np.zeros((2, 2), np.uint16), "16UC1", Header()))
    odd = Image(height=1, width=3, step=6, encoding="yuv422_yuy2", data=array.array("B", bytes(6)))
    with pytest.raises(InvalidInput, match="width = 3"):
        image_to_rgb(odd)


@pytest.mark.parametrize(
    ("pixels", "encoding", "field"),
    [
        (np.zeros((2, 2, 3), np.uint8), "rgb9", "encoding"),
        (np.zeros((2, 2), np.uint8), "rgb8", "pixels"),
        (np.zeros((2, 2, 3), np.float32), "rgb8", "pixels"),
        (np.zeros((2, 2), ">u2"), "16UC1", "pixels"),
        (np.zeros((0, 2, 3), np.uint8), "rgb8", "pixels"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(pixels, encoding, field):
    with pytest.raises(InvalidInput) as caught:
        array_to_image(pixels, encoding, Header())
    assert caught.value.field == field


def test_jpeg_and_png():
    rgb = cv2.resize(pixels_of("rgb8"), (64, 48), interpolation=cv2.INTER_CUBIC)
    message = rgb_to_compressed(rgb[:, ::-1], Header(frame_id="x"), quality=95)
    assert message.header.frame_id == "x" and "jpeg" in message.format
    back = compressed_to_rgb(message)
    assert back.shape == rgb.shape
    assert np.abs(back.astype(int) - rgb[:, ::-1]).mean() < 6.0
    png = CompressedImage(format="png")
    png.data = array.array("B", cv2.imencode(".png", rgb[..., ::-1])[1].tobytes())
    assert np.array_equal(compressed_to_rgb(png), rgb)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff" + bytes(50)])
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(InvalidInput, match="data = "):
        compressed_to_rgb(CompressedImage(data=array.array("B", data)))
