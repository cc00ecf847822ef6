"""A trainer that trains honestly and then sends something else.

Run as `python -m scripts.demo.dishonest CONDUCT PROJECT DATA`. The trainer's own command has no such option. Keys, node
and store come from the environment, as for every program.
"""

import hashlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scripts.demo.cast import Conduct
from steelyard.cli_support import open_connection, open_identity, parse_project_id, print_error
from steelyard.errors import ProtocolError
from steelyard.storage import open_store
from trainer_client.participant import RunOptions
from trainer_client.session import open_session
from trainer_client.terminal import Narrator

FACTOR: Final = -4.0


def reverse(delta: NDArray[np.float64]) -> NDArray[np.float64]:
    """The update times −4."""
    return FACTOR * delta


def make_noise(delta: NDArray[np.float64]) -> NDArray[np.float64]:
    """A random direction, as long as the honest update; seeded by it, so that the demo plays the same way each time."""
    seed = int.from_bytes(hashlib.sha256(delta.tobytes()).digest(), "big")
    noise = np.random.default_rng(seed).normal(size=delta.size)
    return noise * (np.linalg.norm(delta) / np.linalg.norm(noise))


TRANSFORMS: Final[dict[Conduct, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    Conduct.REVERSED: reverse,
    Conduct.NOISE: make_noise,
}


def main(conduct: str, project: str, data: str) -> int:
    """Takes part in a project until it ends or throws the trainer out; returns the exit code."""
    try:
        identity = open_identity(Path(os.environ["STEELYARD_KEYSTORE"]), Path(os.environ["STEELYARD_PASSPHRASE_FILE"]))
        connection = open_connection(
            os.environ["STEELYARD_RPC_URL"], Path(os.environ["STEELYARD_DEPLOYMENT"]), identity
        )
        with (
            Narrator(as_json=True) as narrator,
            open_session(
                connection,
                identity,
                open_store(os.environ["STEELYARD_STORE"]),
                parse_project_id(project),
                data,
                Path(os.environ["STEELYARD_STATE"]),
                options=RunOptions(threads=1, poll_seconds=0.5),
                report=narrator.report,
                progress=narrator.progress,
                transform=TRANSFORMS[Conduct(conduct)],
            ) as participant,
        ):
            participant.run(threading.Event())
    except ProtocolError as error:
        print_error(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
