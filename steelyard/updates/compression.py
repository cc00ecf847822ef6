"""Integers in one zstd frame, decompressed with a stranger's hand on the other end.

The length of the content is always known beforehand, so a frame has to announce exactly that length, and the decoder
writes into a buffer of exactly that length: a bomb is refused before a byte of it is unpacked.
"""

import zstandard

from steelyard.errors import PayloadError
from steelyard.updates.faults import PayloadFault


def compress(content: bytes) -> bytes:
    """One zstd frame that announces its content's length."""
    return zstandard.ZstdCompressor(level=3, write_checksum=False, write_content_size=True).compress(content)


def decompress(frame: bytes, content_bytes: int) -> bytes:
    """The content of `frame`, which must be one zstd frame of exactly `content_bytes`, with nothing after it.

    Raises:
      PayloadError: it is anything else.
    """
    try:
        header = zstandard.get_frame_parameters(frame)
    except zstandard.ZstdError as exc:
        raise PayloadError(PayloadFault.BAD_COMPRESSION, f"no zstd frame: {exc}") from exc
    if header.content_size != content_bytes:
        announced = "no length" if header.content_size == zstandard.CONTENTSIZE_UNKNOWN else f"{header.content_size:,}"
        raise PayloadError(PayloadFault.WRONG_LENGTH, f"announces {announced} where {content_bytes:,} bytes are due")
    try:
        content = zstandard.ZstdDecompressor().decompress(frame, read_across_frames=False, allow_extra_data=False)
    except zstandard.ZstdError as exc:
        raise PayloadError(PayloadFault.BAD_COMPRESSION, str(exc)) from exc
    # A skippable frame announces a length too, and holds nothing.
    if len(content) != content_bytes:
        raise PayloadError(PayloadFault.BAD_COMPRESSION, f"holds {len(content):,} of {content_bytes:,} bytes")
    return content


def compute_compress_bound(content_bytes: int) -> int:
    """The longest frame that `compress` makes of `content_bytes`: `ZSTD_COMPRESSBOUND` of zstd.h."""
    margin = ((128 << 10) - content_bytes) >> 11 if content_bytes < 128 << 10 else 0
    return content_bytes + (content_bytes >> 8) + margin
