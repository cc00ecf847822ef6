"""`steelyard demo`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from steelyard.cli_support import create_app

app = create_app("")

FAILED = 1


@app.callback(invoke_without_command=True, no_args_is_help=False)
def demo(
    out: Annotated[Path, typer.Option(help="Emptied, then filled with report, evidence, logs and keys.")] = Path(
        "build/demo"
    ),
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running afterwards and print the URLs.")] = False,
    ipfs: Annotated[
        bool, typer.Option("--ipfs", help="Keep blobs in two IPFS nodes: trainers in one, everybody else in the other.")
    ] = False,
    timeout_seconds: Annotated[float, typer.Option("--timeout", help="How long the project may take.")] = 300.0,
) -> None:
    """Run a whole project on a local chain and check every figure of it.

    Starts a node, a backend, two aggregators and seven trainers as separate processes. Five trainers are honest, with
    0, 0, 10, 25 and 40 % wrong labels; one sends its update times −4, one sends noise. Five rounds of a small network
    on hand-written digits. Fails unless the model reaches 90 % on held-out data, every token unit is accounted for,
    the dishonest two earn less than 1 %, pay follows data quality, and each round's evidence verifies.

    With [bold]--ipfs[/bold] two real IPFS nodes (installed by `make ipfs`) exchange every blob over bitswap.
    """
    from scripts.demo.run import play  # noqa: PLC0415 - torch and more, not wanted for `--help`

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=110)
    failures = play(out, console, timeout_seconds=timeout_seconds, keep=keep, ipfs=ipfs)
    if failures:
        console.print("\nThe demo failed:", style="red")
        for failure in failures:
            console.print(f"  {failure}", markup=False)
        raise typer.Exit(FAILED)
    console.print(f"\nEverything holds. {out}/report.json has every figure, {out}/evidence a bundle for each round.")
