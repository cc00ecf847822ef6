"""`python -m scripts.deploy` leaves a deployment that works, and never overwrites one."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.deploy import app
from steelyard.chain.client import Marketplace
from steelyard.chain.deploy import Deployment
from steelyard.chain.devnet import Devnet
from steelyard.errors import ChainError, ConfigError
from steelyard.keystore import LIGHT_SCRYPT_N, Identity, write_keystore
from steelyard.updates.encryption import EncryptionKeyPair

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
