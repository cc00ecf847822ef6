"""`python -m scripts.deploy` leaves a deployment that works, and never overwrites one."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.deploy import app
from steelyard.chain.client import Contract, Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.errors import ChainError, ConfigError, SrsError
from steelyard.gram import load_srs_by_digest
from steelyard.gram.srs_files import dump_srs
from steelyard.gram.srs_library import FOLDER_VARIABLE, import_srs
from steelyard.keystore import LIGHT_SCRYPT_N, Identity, write_keystore
from steelyard.updates.encryption import EncryptionKeyPair
from tests.gram_proofs import make_srs

pytestmark = pytest.mark.chain


def test_command_deploys_once(tmp_path: Path) -> None:
    with Devnet(accounts=1) as node:
        keystore, passphrase, target = tmp_path / "key.json", tmp_path / "passphrase", tmp_path / "deployment.json"
        write_keystore(
            keystore, Identity(node.account(0), EncryptionKeyPair.generate()), "secret", scrypt_n=LIGHT_SCRYPT_N
        )
        passphrase.write_text("secret\n")
        passphrase.chmod(0o600)
        arguments = ["--rpc-url", node.url, "--keystore", str(keystore), "--passphrase-file", str(passphrase)]
        arguments += ["--deployment", str(target), "--test-token"]

        wrong = CliRunner().invoke(app, [*arguments, "--chain-id", "1"])
        assert (wrong.exit_code, target.exists()) == (ChainError.exit_code, False)

        done = CliRunner().invoke(app, [*arguments, "--unbonding-seconds", "60"])
        assert done.exit_code == 0, done.output
        deployment = Deployment.load(target)
        assert deployment.marketplace in done.stdout
        assert deployment.token is not None
        market = Marketplace(node.web3, deployment.marketplace, chain_id=deployment.chain_id)
        assert market.get_unbonding_seconds() == 60

        nonce = node.web3.eth.get_transaction_count(node.account(0).address)
        again = CliRunner().invoke(app, arguments)
        assert again.exit_code == ConfigError.exit_code
        assert node.web3.eth.get_transaction_count(node.account(0).address) == nonce
        assert Deployment.load(target) == deployment


def test_command_deploys_a_verifier_for_an_imported_string(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "library"))
    (tmp_path / "srs.json").write_text(dump_srs(make_srs(24)))
    digest = import_srs(tmp_path / "srs.json")
    with Devnet(accounts=1) as node:
        keystore, target = tmp_path / "key.json", tmp_path / "deployment.json"
        write_keystore(
            keystore, Identity(node.account(0), EncryptionKeyPair.generate()), "secret", scrypt_n=LIGHT_SCRYPT_N
        )
        monkeypatch.setenv("STEELYARD_PASSPHRASE", "secret")
        arguments = ["--rpc-url", node.url, "--keystore", str(keystore), "--deployment", str(target)]

        unknown = CliRunner().invoke(app, [*arguments, "--srs", "0" * 64])
        assert (unknown.exit_code, target.exists()) == (SrsError.exit_code, False)

        done = CliRunner().invoke(app, [*arguments, "--srs", digest])
        assert done.exit_code == 0, done.output
        deployment = Deployment.load(target)
        assert deployment.srs_digest == digest
        assert load_srs_by_digest(deployment.srs_digest).g1 == make_srs(24).g1
        assert Contract(node.web3, deployment.verifier, "IGramVerifier").read(int, "powers") == 24
