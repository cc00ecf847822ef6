"""`steelyard srs`: the reference strings that this machine knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from steelyard.cli_support import AsJson, create_app, print_json, print_lines, print_warning, stderr
from steelyard.errors import ConfigError
from steelyard.gram import ETHEREUM_SRS_DIGEST
from steelyard.gram.srs_files import Progress as Report
from steelyard.gram.srs_files import dump_srs
from steelyard.gram.srs_library import (
    INSECURE_VARIABLE,
    INSECURE_WARNING,
    check_known_srs,
    find_known_digests,
    get_known_srs,
    get_srs_path,
    import_srs,
    is_insecure,
    make_insecure_srs,
    refuse_insecure,
)

app = create_app(
    """Import, check and list reference strings: the powers of a secret that proofs are made over.

    The Ethereum ceremony is always there. A longer string makes blocks longer, and settlements of large models cheaper.
    """
)

Digest = Annotated[str, typer.Argument(help="SHA-256 of the string's points.", metavar="DIGEST")]
AllowInsecure = Annotated[
    bool,
    typer.Option("--allow-insecure", envvar=INSECURE_VARIABLE, help="Take a string whose secret is public."),
]


@app.command("info")
def show_srs(
    digest: Annotated[str | None, typer.Argument(help="One string; all without it.", metavar="DIGEST")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the strings that are known here, and what they allow.

    Example: [bold]steelyard srs info[/bold]
    """
    for known in find_known_digests() if digest is None else (digest,):
        _print_record(_describe(known), as_json)


@app.command("import")
def import_srs_file(
    file: Annotated[Path, typer.Argument(help="A string or a ceremony's transcript.", metavar="FILE")],
    powers: Annotated[int | None, typer.Option(help="Which string of a transcript, by its size.")] = None,
    expected: Annotated[str | None, typer.Option("--digest", help="Refuse any other string.", metavar="DIGEST")] = None,
    insecure: AllowInsecure = False,
    as_json: AsJson = False,
) -> None:
    """Check every point of a string, and keep it for the other commands.

    Example: [bold]steelyard srs import transcript.json --powers 32768[/bold]
    """
    with _draw_progress() as report:
        digest = import_srs(file, powers, expected=expected, progress=report, insecure=insecure)
    _print_record({"digest": digest, "kept in": str(get_srs_path(digest))}, as_json)


@app.command("check")
def check_srs_again(
    digest: Digest = ETHEREUM_SRS_DIGEST, insecure: AllowInsecure = False, as_json: AsJson = False
) -> None:
    """Check a known string as on import: every point, and every relation among them.

    Example: [bold]steelyard srs check[/bold]
    """
    with _draw_progress() as report:
        srs = check_known_srs(digest, report)
    refuse_insecure(srs, allowed=insecure)
    _print_record({"digest": digest, "powers": srs.powers, "consistent": True}, as_json)


@app.command("insecure")
def write_insecure_srs(
    powers: Annotated[int, typer.Option(help="How many powers.", min=9, max=2**16)],
    out: Annotated[Path, typer.Option(help="Write the string here.", metavar="FILE")],
) -> None:
    """Write a string whose secret is public, for benchmarks and tests. Anybody can forge proofs over it."""
    if out.exists():
        raise ConfigError(f"{out} exists: it is not overwritten")
    print_warning(INSECURE_WARNING)
    try:
        out.write_text(dump_srs(make_insecure_srs(powers), INSECURE_WARNING))
    except OSError as error:
        raise ConfigError(f"cannot write {out}: {error.strerror}") from error


def _describe(digest: str) -> dict[str, object]:
    srs = get_known_srs(digest)
    origin = "Ethereum KZG ceremony, shipped by eth-account" if digest == ETHEREUM_SRS_DIGEST else "imported"
    return {
        "digest": digest,
        "powers": srs.powers,
        "entries a block": srs.payload,
        "origin": origin,
        "security": INSECURE_WARNING if is_insecure(srs) else "as the ceremony's",
    }


def _print_record(record: dict[str, object], as_json: bool) -> None:
    if as_json:
        print_json(record)
    else:
        print_lines(record)


@contextmanager
def _draw_progress() -> Iterator[Report]:
    columns = (TextColumn("checking points"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("check")
        yield lambda done, total: bar.update(task, completed=done, total=total)
