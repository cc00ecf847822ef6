"""Deploys Steelyard with the verifier for one reference string: `python -m scripts.deploy --help`."""

from typing import Annotated

import typer

from steelyard.chain.deploy import UNBONDING_SECONDS, SrsPoints, deploy, deploy_test_token
from steelyard.chain.rpc import connect
from steelyard.chain.transactions import Sender
from steelyard.cli_support import (
    DEFAULT_DEPLOYMENT,
    DEFAULT_KEYSTORE,
    DEFAULT_RPC_URL,
    DeploymentFile,
    KeystoreFile,
    PassphraseFile,
    RpcUrl,
    create_app,
    open_identity,
    print_lines,
)
from steelyard.errors import ConfigError
from steelyard.gram import ETHEREUM_SRS_DIGEST, Srs, load_ethereum_srs, load_srs_by_digest
from steelyard.gram.points import encode_point
from steelyard.gram.srs import get_blinding_generator

app = create_app(
    """Deploy the verifier, the rules and the marketplace, and write the deployment file.

    Contracts are for good: nobody owns, pauses or upgrades them. A new version is a new deployment.
    """
)


def build_srs_points(srs: Srs, digest: str) -> SrsPoints:
    """The points of `srs` that a verifier contract stores; `digest` is what the string is pinned by."""
    g2_one, g2_tau, g2_tau2 = (_encode_g2(point.to_xy_bytes_be()) for point in srs.g2)
    return SrsPoints(
        powers=srs.powers,
        g1_one=encode_point(srs.g1[0]),
        g1_tau=encode_point(srs.g1[1]),
        blinding=encode_point(get_blinding_generator()),
        g2_one=g2_one,
        g2_tau=g2_tau,
        g2_tau2=g2_tau2,
        digest=digest,
    )


def load_ethereum_srs_points() -> SrsPoints:
    """Those of the Ethereum ceremony.

    Raises:
      SrsError: the ceremony that eth-account ships is not the pinned one.
    """
    return build_srs_points(load_ethereum_srs(), ETHEREUM_SRS_DIGEST)


@app.callback(invoke_without_command=True)
def main(
    rpc_url: RpcUrl = DEFAULT_RPC_URL,
    chain_id: Annotated[int | None, typer.Option(help="Refuse a node that serves another chain.")] = None,
    keystore: KeystoreFile = DEFAULT_KEYSTORE,
    passphrase_file: PassphraseFile = None,
    deployment_file: DeploymentFile = DEFAULT_DEPLOYMENT,
    unbonding_seconds: Annotated[int, typer.Option(help="Delay of stake withdrawals.")] = UNBONDING_SECONDS,
    test_token: Annotated[
        bool, typer.Option("--test-token", help="Deploy a token that anybody may mint as well; for local chains.")
    ] = False,
    srs_digest: Annotated[
        str, typer.Option("--srs", help="The reference string of proofs; see `steelyard srs`.", metavar="DIGEST")
    ] = ETHEREUM_SRS_DIGEST,
) -> None:
    if deployment_file.exists():
        raise ConfigError(f"{deployment_file} exists: a deployment is not overwritten")
    points = build_srs_points(load_srs_by_digest(srs_digest), srs_digest)
    identity = open_identity(keystore, passphrase_file)
    sender = Sender(connect(rpc_url, chain_id=chain_id), identity.account)
    token = deploy_test_token(sender) if test_token else None
    deployment = deploy(sender, points, unbonding_seconds=unbonding_seconds, token=token)
    deployment_file.write_text(deployment.dump())
    print_lines(
        {
            "chain": deployment.chain_id,
            "marketplace": deployment.marketplace,
            "verifier": deployment.verifier,
            **{f"rule {name}": address for name, address in deployment.rules.items()},
            "reference string": deployment.srs_digest,
            "token": deployment.token or "none",
            "written to": deployment_file,
        }
    )


def _encode_g2(coordinates: bytes) -> bytes:
    """EIP-2537: four coordinates of 48 bytes, each padded to 64."""
    return b"".join(bytes(16) + bytes(coordinates)[start : start + 48] for start in range(0, 192, 48))


if __name__ == "__main__":
    app()
