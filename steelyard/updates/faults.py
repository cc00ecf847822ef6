"""What can be wrong with a payload or an aggregate, as codes that logs and exclusion reports may carry."""

import enum


class PayloadFault(enum.StrEnum):
    """The `reason` of a `PayloadError`."""

    TOO_LARGE = "too-large"
    """More bytes than any honest sender needs; refused unread."""
    UNDECRYPTABLE = "undecryptable"
    """Encrypted to another key, for another chain, marketplace, project, round or sender, or damaged."""
    TRUNCATED = "truncated"
    """Shorter than its fixed part."""
    WRONG_MAGIC = "wrong-magic"
    """Another format, or another version of it."""
    WRONG_DIMENSION = "wrong-dimension"
    """Of another model."""
    WRONG_LENGTH = "wrong-length"
    """Announces that it decompresses to another length than the format asks: a decompression bomb ends here."""
    BAD_COMPRESSION = "bad-compression"
    """Not one whole zstd frame and nothing else, or the frame contradicts what it announces."""
    OUT_OF_RANGE = "out-of-range"
    """A field has a value that the format forbids."""
    WRONG_KEY = "wrong-key"
    """Encrypted with another content key."""
    NOT_WRAPPED = "not-wrapped"
    """Its content key is not there for somebody who is due it."""
    NOT_DUE = "not-due"
    """Its content key is there for somebody who has no right to it."""
    BAD_KEY = "bad-key"
    """The recipient's registered key is none that anything can be encrypted to."""
