"""PNG and JPEG bytes to pixels, in TensorFlow's graph, as `zoo.datasets.read_images` does it with Pillow."""

from __future__ import annotations

from typing import Any

_RED, _GREEN, _BLUE = 19_595, 38_470, 7_471  # of 2^16: Pillow's weights of luminance


def decode_batch(encoded: Any, shape: tuple[int, int, int]) -> Any:
    """Decode, convert and resize pictures of any size.

    Transparency becomes black, colour becomes grey or grey colour as the model needs, and another size is resized
    (bilinear, antialiased), rounded to whole numbers. All but the resizing is equal to Pillow bit for bit; what
    `read_images` does beyond this graph is listed in docs/export.md.

    Args:
        encoded: string tensor of shape (batch,), each a whole PNG or JPEG file.
        shape: the model's (height, width, channels), with 1 or 3 channels.

    Returns:
        float32 of shape (batch, height, width, channels), whole numbers in 0..255.
    """
    import tensorflow as tf

    specification = tf.TensorSpec(shape, tf.float32)
    return tf.map_fn(lambda one: _decode(one, shape), encoded, fn_output_signature=specification)


def _decode(encoded: Any, shape: tuple[int, int, int]) -> Any:
    import tensorflow as tf

    pixels = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=0, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_png(encoded, channels=0),
    )
    colours = _opaque(tf.cast(pixels, tf.int32))
    if shape[2] == 1:
        red, green, blue = colours
        colours = [(red * _RED + green * _GREEN + blue * _BLUE + 0x8000) // 0x10000]
    image = tf.cast(tf.stack(colours, axis=-1), tf.float32)
    resized = tf.image.resize(image, shape[:2], "bilinear", antialias=True)
    return tf.ensure_shape(tf.clip_by_value(tf.floor(resized + 0.5), 0.0, 255.0), shape)


def _opaque(pixels: Any) -> list[Any]:
    """Red, green and blue of a picture with 1 to 4 channels, laid over black."""
    import tensorflow as tf

    channels = tf.shape(pixels)[-1]
    coloured = tf.cast(channels >= 3, tf.int32)
    transparent = channels % 2 == 0  # grey and alpha, or colours and alpha
    alpha = tf.where(transparent, tf.gather(pixels, channels - 1, axis=-1), 255)
    planes = [tf.gather(pixels, place * coloured, axis=-1) for place in range(3)]
    return [_divide_by_255(plane * alpha * 128 + 0x4000) // 128 for plane in planes]


def _divide_by_255(value: Any) -> Any:
    """Pillow's integer division in `alpha_composite`."""
    return (value // 256 + value) // 256
