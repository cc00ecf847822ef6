// Powers of tau for benchmarks, INSECURE: tau, alpha and beta are constants of this file, so anybody can forge proofs over
// them. Real ones come from a ceremony, once for all circuits; snarkjs would need hours to make and prepare as many.
//
//     node insecure_powers.mjs POWER FILE
//
// Writes only what `snarkjs groth16 setup` reads of a prepared file for circuits of more than 2^(POWER - 1) and up to
// 2^POWER constraints: the Lagrange points of that domain, and the odd ones of the next. All else is a hole in the file.
import { buildBn128 } from "ffjavascript";
import { fork } from "node:child_process"; // the curve library cannot be loaded in a worker thread
import { openSync, writeSync, closeSync, ftruncateSync, renameSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const R = 21888242871839275222246405745257275088548364400416034343698204186575808495617n;
const Q = 21888242871839275222246405745257275088696311157297823662689037894645226208583n;
const [TAU, ALPHA, BETA] = [0x5ee1a4d0n, 0x5ee1a4d1n, 0x5ee1a4d2n].map((x) => (x ** 31n) % R);
const [G1, G2] = [64, 128]; // bytes of an affine point
const SCALAR = 32;
const WINDOW = 12;
const PIECE = 1 << 13; // scalars that a process multiplies at a time

const modulo = (x) => ((x % R) + R) % R;

function power(base, exponent) {
  let result = 1n;
  for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % R) if (e & 1n) result = (result * b) % R;
  return result;
}

const invert = (x) => power(modulo(x), R - 2n);

/** The Lagrange polynomials of a domain at tau, from `start` in steps of `step`: (tau^N - 1)·w^i / (N·(tau - w^i)). */
function lagrange(w, size, start, step) {
  const points = [];
  const ratio = power(w, BigInt(step));
  for (let i = start, x = power(w, BigInt(start)); i < size; i += step, x = (x * ratio) % R) points.push(x);
  const prefixes = [];
  let product = 1n;
  for (const x of points) {
    prefixes.push(product);
    product = (product * modulo(TAU - x)) % R;
  }
  const factor = (modulo(power(TAU, BigInt(size)) - 1n) * invert(BigInt(size))) % R;
  const values = new Array(points.length);
  let rest = invert(product);
  for (let i = points.length - 1; i >= 0; i--) {
    values[i] = (((rest * prefixes[i]) % R) * ((factor * points[i]) % R)) % R;
    rest = (rest * modulo(TAU - points[i])) % R;
  }
  return values;
}

function encode(scalars) {
  const bytes = new Uint8Array(scalars.length * SCALAR);
  const view = new DataView(bytes.buffer);
  scalars.forEach((x, i) => {
    for (let j = 0; j < 4; j++) view.setBigUint64(i * SCALAR + 8 * j, BigInt.asUintN(64, x >> BigInt(64 * j)), true);
  });
  return bytes;
}

/** Multiplies the generator of a group by many scalars, with a table for each window of their bits. */
class Multiplier {
  constructor(curve, name) {
    this.wasm = curve.tm.instance.exports;
    this.memory = curve.tm.memory;
    this.prefix = name === "G1" ? "g1m" : "g2m";
    this.affine = name === "G1" ? G1 : G2;
    this.jacobian = (this.affine * 3) / 2;
    this.windows = Math.ceil(254 / WINDOW);
    const entries = 1 << WINDOW;
    this.table = this.allocate(this.windows * entries * this.affine);
    this.scratch = this.allocate(Math.max(entries, PIECE) * this.jacobian);
    const base = this.allocate(this.affine);
    const sum = this.allocate(this.jacobian);
    new Uint8Array(this.memory.buffer).set(curve[name].gAffine, base);
    for (let w = 0; w < this.windows; w++) {
      this.call("zero", sum);
      for (let k = 0; k < entries; k++) {
        new Uint8Array(this.memory.buffer).copyWithin(this.scratch + k * this.jacobian, sum, sum + this.jacobian);
        this.call("addMixed", sum, base, sum);
      }
      this.call("batchToAffine", this.scratch, entries, this.table + w * entries * this.affine);
      this.call("batchToAffine", sum, 1, base);
    }
  }

  call(name, ...parameters) {
    this.wasm[`${this.prefix}_${name}`](...parameters);
  }

  allocate(bytes) {
    const start = this.memory.buffer.byteLength;
    this.memory.grow(Math.ceil(bytes / 65536));
    return start;
  }

  /** Affine points, in Montgomery form, of little-endian scalars. */
  multiply(scalars) {
    const count = scalars.length / SCALAR;
    for (let i = 0; i < count; i++) {
      const point = this.scratch + i * this.jacobian;
      this.call("zero", point);
      for (let w = 0; w < this.windows; w++) {
        const digit = readBits(scalars, i * SCALAR, w * WINDOW);
        if (digit) this.call("addMixed", point, this.table + ((w << WINDOW) + digit) * this.affine, point);
      }
    }
    this.call("batchToAffine", this.scratch, count, this.scratch);
    return new Uint8Array(this.memory.buffer).slice(this.scratch, this.scratch + count * this.affine);
  }
}

function readBits(bytes, offset, bit) {
  const at = offset + (bit >> 3);
  const word = bytes[at] | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  const end = Math.min(WINDOW, 256 - bit);
  return (word >> (bit & 7)) & ((1 << end) - 1);
}

async function work() {
  const curve = await buildBn128(true);
  const multipliers = { G1: new Multiplier(curve, "G1"), G2: new Multiplier(curve, "G2") };
  process.on("message", ({ group, scalars, id }) => {
    process.send({ id, points: multipliers[group].multiply(scalars) });
  });
}

/** Hands pieces to one process a core, and gives each result to its `write`. */
async function multiplyAll(pieces) {
  let next = 0;
  const serve = (resolve, reject) => {
    const worker = fork(fileURLToPath(import.meta.url), ["worker"], { serialization: "advanced" });
    const feed = () => {
      if (next < pieces.length) worker.send({ id: next, ...pieces[next++].task() });
      else worker.disconnect();
    };
    worker.on("message", ({ id, points }) => (pieces[id].write(points), feed()));
    worker.on("exit", (code) => (code === 0 ? resolve() : reject(new Error(`a worker ended with ${code}`))));
    feed();
  };
  await Promise.all(Array.from({ length: availableParallelism() }, () => new Promise(serve)));
}

function littleEndian(value, bytes) {
  return Uint8Array.from({ length: bytes }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
}

async function main(exponent, path) {
  const curve = await buildBn128(true);
  const root = (level) => curve.Fr.toObject(curve.Fr.w[level]);
  const size = 2 ** exponent;
  const domain = lagrange(root(exponent), size, 0, 1);
  const odd = lagrange(root(exponent + 1), 2 * size, 1, 2);

  const header = Buffer.concat([littleEndian(32, 4), littleEndian(Q, 32), littleEndian(exponent, 4), littleEndian(exponent, 4)]);
  const sections = [
    [1, header.length], [2, (2 * size - 1) * G1], [3, size * G2], [4, size * G1], [5, size * G1], [6, G2], [7, 4],
    [12, (4 * size - 1) * G1], [13, (2 * size - 1) * G2], [14, (2 * size - 1) * G1], [15, (2 * size - 1) * G1],
  ];
  const file = openSync(`${path}.part`, "w");
  const at = {};
  let position = 12;
  writeSync(file, Buffer.concat([Buffer.from("ptau"), littleEndian(1, 4), littleEndian(sections.length, 4)]), 0, 12, 0);
  for (const [id, length] of sections) {
    writeSync(file, Buffer.concat([littleEndian(id, 4), littleEndian(length, 8)]), 0, 12, position);
    at[id] = position + 12;
    position += 12 + length;
  }
  ftruncateSync(file, position);
  writeSync(file, header, 0, header.length, at[1]);

  const pieces = [];
  const add = (group, scalars, factor, start, stride = 1) => {
    const bytes = group === "G1" ? G1 : G2;
    for (let i = 0; i < scalars.length; i += PIECE) {
      const task = () => ({ group, scalars: encode(scalars.slice(i, i + PIECE).map((x) => (x * factor) % R)) });
      const write = (points) => {
        if (stride === 1) writeSync(file, points, 0, points.length, start + i * bytes);
        else for (let k = 0; k * bytes < points.length; k++) writeSync(file, points, k * bytes, bytes, start + (i + k) * stride * bytes);
      };
      pieces.push({ task, write });
    }
  };
  add("G1", [ALPHA], 1n, at[4]);
  add("G1", [BETA], 1n, at[5]);
  add("G2", [BETA], 1n, at[6]);
  add("G2", domain, 1n, at[13] + (size - 1) * G2);
  add("G1", domain, 1n, at[12] + (size - 1) * G1);
  add("G1", domain, ALPHA, at[14] + (size - 1) * G1);
  add("G1", domain, BETA, at[15] + (size - 1) * G1);
  add("G1", odd, 1n, at[12] + (2 * size - 1) * G1 + G1, 2);
  await multiplyAll(pieces);
  closeSync(file);
  renameSync(`${path}.part`, path);
}

if (process.argv[2] === "worker") {
  await work();
} else {
  console.error("INSECURE powers of tau, for benchmarks only: their secrets are in the source of this program");
  await main(Number(process.argv[2]), process.argv[3]);
  process.exit(0); // the curve library keeps threads alive
}
