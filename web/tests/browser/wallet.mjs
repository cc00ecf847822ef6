/** A wallet for tests: announces itself by EIP-6963, signs with a devnet's keys, and asks the devnet everything else. */

import { privateKeyToAccount } from "viem/accounts";

const HOME_CHAIN = "0x7a69";
const BINDING = "steelyardTestWallet";

/** Runs in the page before the page's own scripts. */
function announce(binding) {
  const listeners = new Map();
  const provider = {
    async request({ method, params = [] }) {
      const { result, error } = await window[binding](method, params);
      if (error !== undefined) throw Object.assign(new Error(error.message), error);
      return result;
    },
    on(name, listener) {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
    },
    removeListener(name, listener) {
      listeners.set(name, (listeners.get(name) ?? []).filter((each) => each !== listener));
    },
  };
  window[`${binding}Emit`] = (name, value) => (listeners.get(name) ?? []).forEach((listener) => listener(value));
  const info = { uuid: crypto.randomUUID(), name: "Test wallet", rdns: "test.steelyard", icon: "data:image/svg+xml," };
  const detail = Object.freeze({ info, provider });
  const show = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  addEventListener("eip6963:requestProvider", show);
  show();
}

export class TestWallet {
  /** Methods that the user will say no to, each once. */
  rejections = [];
  /** What it was asked to sign or send. */
  asked = [];

  constructor(rpcUrl, keys) {
    this.rpcUrl = rpcUrl;
    this.accounts = Object.fromEntries(Object.entries(keys).map(([name, key]) => [name, privateKeyToAccount(key)]));
    this.account = Object.values(this.accounts)[0];
    this.chainId = "0x1";
  }

  async install(page) {
    this.page = page;
    await page.exposeBinding(BINDING, (_, method, params) => this.answer(method, params));
    await page.addInitScript(announce, BINDING);
  }

  /** What a user does in the wallet's own window. */
  async choose(name) {
    this.account = this.accounts[name];
    await this.emit("accountsChanged", [this.account.address.toLowerCase()]);
  }

  emit(name, value) {
    return this.page.evaluate(([binding, ...rest]) => window[`${binding}Emit`](...rest), [BINDING, name, value]);
  }

  async answer(method, params) {
    try {
      return { result: (await this.handle(method, params)) ?? null };
    } catch (error) {
      return { error: { code: error.code ?? -32603, message: error.message, data: error.data } };
    }
  }

  async handle(method, params) {
    if (/sign|send/i.test(method)) this.asked.push(method);
    const place = this.rejections.indexOf(method);
    if (place >= 0) {
      this.rejections.splice(place, 1);
      throw Object.assign(new Error("User rejected the request."), { code: 4001 });
    }
    switch (method) {
      case "eth_accounts":
      case "eth_requestAccounts":
        return [this.account.address.toLowerCase()];
      case "eth_chainId":
        return this.chainId;
      case "wallet_switchEthereumChain":
        if (params[0].chainId !== HOME_CHAIN) throw Object.assign(new Error("unknown chain"), { code: 4902 });
        this.chainId = HOME_CHAIN;
        await this.emit("chainChanged", HOME_CHAIN);
        return null;
      case "personal_sign":
        return this.account.signMessage({ message: { raw: params[0] } });
      case "eth_signTypedData_v4":
        return this.account.signTypedData(JSON.parse(params[1]));
      case "eth_sendTransaction":
        return this.send(params[0]);
      default:
        return this.ask(method, params);
    }
  }

  async send(fields) {
    const big = (name) => BigInt(fields[name]);
    const raw = await this.account.signTransaction({
      type: "eip1559",
      chainId: Number(fields.chainId),
      nonce: Number(fields.nonce),
      to: fields.to,
      data: fields.data,
      value: big("value"),
      gas: big("gas"),
      maxFeePerGas: big("maxFeePerGas"),
      maxPriorityFeePerGas: big("maxPriorityFeePerGas"),
    });
    return this.ask("eth_sendRawTransaction", [raw]);
  }

  async ask(method, params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "Content-Type": "application/json" };
    const { result, error } = await (await fetch(this.rpcUrl, { method: "POST", headers, body })).json();
    if (error !== undefined) throw Object.assign(new Error(error.message), error);
    return result;
  }
}
