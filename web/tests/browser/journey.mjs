/**
 * A project's whole life through the page: created, funded, joined, run, verified, paid out. Started by
 * tests/web/test_browser.py, which plays everybody who is no browser and looks at the chain.
 */

import { Misdeeds, openBrowser } from "./browser.mjs";
import { hear, tell } from "./conversation.mjs";
import { TestWallet } from "./wallet.mjs";

const TRAINERS = ["ada", "ben", "cleo"];

const { origin, rpcUrl, keys, publicKeys, executable } = await hear();
const browser = await openBrowser(executable);
const context = await browser.newContext({ viewport: { width: 1200, height: 900 } });
const page = await context.newPage();
page.setDefaultTimeout(60_000);
const wallet = new TestWallet(rpcUrl, keys);
const misdeeds = new Misdeeds(page);
await misdeeds.install(page);
await wallet.install(page);

const dialog = page.locator("dialog.transaction");
const button = (name) => page.getByRole("button", { name });

/** Says yes to each question of the dialog, and yields what it asked, until it is done. */
async function agree(questions) {
  const titles = [];
  for (let count = 0; count < questions; count++) {
    const question = page.locator("dialog[data-phase=asking] h2");
    const next = count === 0 ? question : question.filter({ hasNotText: titles[count - 1] });
    titles.push(await next.innerText());
    await button("Continue in the wallet").click();
  }
  await page.locator("dialog[data-phase=done]").waitFor();
  await button("Close").click();
  return titles;
}

/** Waits for the dialog to say why it failed, and closes it. */
async function readFailure() {
  const alert = page.locator("dialog[data-phase=failed] [role=alert]");
  const text = await alert.innerText();
  await button("Close").click();
  return text;
}

async function fill(values) {
  for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value);
}

async function connect() {
  await page.goto(`${origin}/create`);
  await button("Connect Test wallet").click();
  await button("Switch to chain 31337").click();
  await button("Switch to chain 31337").waitFor({ state: "detached" });
}

/** Drafts a small project. */
async function draft(title) {
  await page.getByLabel("Model", { exact: true }).selectOption("logistic");
  await fill({ Title: title, Task: "Recognise hand-written digits.", Rounds: "1" });
  await fill({ "Fewest trainers": "3", "Most trainers": "3", Enrolment: "1h" });
}

/** Creates what was drafted, and yields its id and what the dialog asked. */
async function create() {
  await button("Create and fund").click();
  const titles = await agree(2);
  await page.waitForURL(/\/projects\/0x[0-9a-f]{64}$/);
  return { project: new URL(page.url()).pathname.split("/").at(-1), titles };
}

async function createProject() {
  await draft("Digits by browser");
  await fill({ Submission: "1 weeks" });
  await page.getByLabel("Submission", { exact: true }).blur();
  const fault = await page.getByText("Submission is no duration").innerText();
  await fill({ Submission: "10m", Settlement: "10m", Attestation: "10m" });
  await page.reload();
  const kept = await page.getByLabel("Title", { exact: true }).inputValue();
  await page.getByText("Gas of the whole project").waitFor();

  wallet.rejections.push("personal_sign");
  await button("Create and fund").click();
  const refusals = [await readFailure()];
  wallet.rejections.push("eth_signTypedData_v4");
  await button("Create and fund").click();
  await page.locator("dialog[data-phase=asking]").waitFor();
  await button("Continue in the wallet").click();
  refusals.push(await readFailure());

  const { project, titles } = await create();
  await button("Record what a deadline has decided").click();
  const idle = await readFailure();
  await tell("created", { project, idle, fault, kept, refusals, titles, asked: wallet.asked.splice(0) });
  return project;
}

async function enrol(name) {
  await wallet.choose(name);
  await page.getByLabel("Your public key").fill(publicKeys[name]);
  await button("Stake and enrol").click();
  const titles = await agree(4);
  await button("Leave the project").waitFor();
  await tell("enrolled", { name, titles, asked: wallet.asked.splice(0) });
}

async function start() {
  await wallet.choose("owner");
  await button("Start the first round").click();
  await agree(1);
  await tell("started");
}

async function verify(view = page) {
  await view.getByRole("button", { name: "Verify this round" }).click();
  const verdict = view.locator(".verdict");
  await verdict.waitFor();
  const rows = view.locator("table.comparison tbody tr");
  return {
    proof: await verdict.getAttribute("data-proof"),
    unequal: Number(await verdict.getAttribute("data-unequal")),
    sources: await view.locator("table.comparison thead th").allInnerTexts(),
    lines: await rows.count(),
    wrong: await rows.evaluateAll((all) =>
      all.filter((row) => row.classList.contains("unequal")).map((row) => [row.dataset.figure, row.dataset.row]),
    ),
    shares: await view.locator("tr[data-figure=share] td:nth-child(2) code").allInnerTexts(),
  };
}

async function verifyRound(project) {
  await page.goto(`${origin}/projects/${project}/rounds/0`);
  const honest = await verify();
  await page.route(new RegExp(`/v1/projects/${project}/rounds/0([?].*)?$`), async (route) => {
    const answer = await route.fetch();
    const round = await answer.json();
    const [entry] = round.entries.filter(({ row }) => row === 1);
    entry.share = String(BigInt(entry.share) + 1n);
    await route.fulfill({ response: answer, json: round });
  });
  await page.goto(`${origin}/projects/${project}/rounds/0`);
  const lied = await verify();
  await page.unrouteAll();
  const stranger = await context.newPage();
  await stranger.goto(page.url());
  const alone = await verify(stranger);
  await stranger.close();
  await tell("verified", { honest, lied, alone, text: await page.locator("main").innerText() });
}

/** Another project of the owner, of which it thinks better. */
async function cancel() {
  await page.goto(`${origin}/create`);
  await draft("Never mind");
  const { project } = await create();
  await button("Cancel, and take the budget back").click();
  const titles = await agree(1);
  await tell("cancelled", { project, titles });
}

async function claim(name) {
  await wallet.choose(name);
  await page.goto(`${origin}/trainers/${wallet.account.address}`);
  await button("Claim all earnings").click();
  const titles = await agree(1);
  await tell("claimed", { name, titles });
}

try {
  await connect();
  const project = await createProject();
  for (const name of TRAINERS) await enrol(name);
  await start();
  await verifyRound(project);
  await claim("ada");
  await wallet.choose("owner");
  await cancel();
  await claim("owner");
  await tell("finished", { origins: [...misdeeds.origins], messages: misdeeds.messages });
} catch (error) {
  const text = await page.locator("body").innerText().catch(() => "");
  process.stderr.write(`${error.stack}\nat ${page.url()}\n${misdeeds.messages.join("\n")}\n${text}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
process.exit();
