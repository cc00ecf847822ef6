"""`steelyard`: one command over the three programs, the owner, verification and the demo.

Each program brings its own commands and is imported only when it is asked for: `verify` must not pay for torch.
"""

import importlib
import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup


@dataclass(frozen=True, slots=True)
class Group:
    """A group of commands: where its typer app is, and one line on what it is for."""

    module: str
    summary: str


GROUPS = {
    "owner": Group("scripts.owner", "Fund a project, start it, follow it."),
    "trainer": Group("trainer_client.cli", "Train on data of your own and be paid by contribution."),
    "aggregator": Group("aggregator.cli", "Weigh the rounds of others and prove it."),
    "model": Group("scripts.model", "Get a project's model, checked against the chain."),
    "keys": Group("scripts.keys", "Make, import, show, rotate and register keys."),
    "backend": Group("backend.cli", "Index the chain, serve it over REST, keep deadlines."),
    "verify": Group("scripts.verify", "Check a round from public data."),
    "storage": Group("scripts.storage", "Look after a blob store: what it holds, keeps and lets go of."),
    "srs": Group("scripts.srs", "Import and check the reference strings of proofs."),
    "simulate": Group("simulation.cli", "Play projects without a chain, with attacks."),
    "up": Group("scripts.up", "Run the whole stack on this machine: node, contracts, store, backend, aggregator."),
    "demo": Group("scripts.demo.cli", "Run a whole project on a local chain and check it."),
}


class LazyGroup(TyperGroup):
    """Imports a group of commands when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002
        return list(GROUPS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        group = GROUPS.get(cmd_name)
        if group is None:
            return None
        command = typer.main.get_command(importlib.import_module(group.module).app)
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, group.summary) for name, group in GROUPS.items()])


app = typer.Typer(cls=LazyGroup, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback()
def describe(
    settings: Annotated[
        Path | None,
        typer.Option(
            envvar="STEELYARD_SETTINGS",
            help="Lines of NAME=VALUE: settings that the environment does not have.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """A marketplace for federated learning that proves its weighing.

    An owner escrows a budget for a model, trainers train on data that never leave them, an aggregator weighs the
    updates and proves it, and the contract pays by contribution.

    Exit codes: 0 all right, 2 wrong usage, 3 somebody sent something false, 4 the chain said no or did not answer,
    5 the blob store failed, 6 too few usable inputs, 7 your settings, files or data.
    """
    if settings is not None:
        read_settings(settings)


def read_settings(path: Path) -> None:
    """Takes settings from a file, for all programs; what the environment says already wins.

    The same file serves systemd (`EnvironmentFile`) and compose (`env_file`).
    """
    from dotenv import dotenv_values  # noqa: PLC0415 - these and `cli_support` cost time that `--help` has no use for

    from steelyard.cli_support import print_error  # noqa: PLC0415
    from steelyard.errors import ConfigError  # noqa: PLC0415

    fault = ""
    try:
        values = dotenv_values(stream=io.StringIO(path.read_text()), interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        values, fault = {}, f"{path} cannot be read: {error}"
    foreign = [name for name, value in values.items() if not name.startswith("STEELYARD_") or value is None]
    if foreign:
        fault = f"{path}: `{foreign[0]}` is not a setting: each begins with STEELYARD_ and has a value"
    if fault:
        print_error(ConfigError(fault))
        raise typer.Exit(ConfigError.exit_code)
    for name, value in values.items():
        os.environ.setdefault(name, value or "")


def main() -> None:
    """Entry point of the console command."""
    app()


if __name__ == "__main__":
    main()
