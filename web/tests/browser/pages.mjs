/**
 * Every page that reads, in light, dark and on a phone: accessible, within its width, and silent towards the rest of the
 * world. Started by tests/web/test_pages.py, which serves a chain that it mines as it is told.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { Misdeeds, openBrowser } from "./browser.mjs";
import { hear, tell } from "./conversation.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] };
/** What depends on the width: the rest has been seen before. */
const NARROW_RULES = { type: "rule", values: ["scrollable-region-focusable", "target-size", "meta-viewport"] };

const VARIANTS = {
  light: { viewport: { width: 1200, height: 900 }, colorScheme: "light" },
  dark: { viewport: { width: 1200, height: 900 }, colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 780 }, colorScheme: "light", hasTouch: true, isMobile: true },
};

const { origin, executable, project, round, trainer, aggregator } = await hear();
const browser = await openBrowser(executable);
const misdeeds = [];

async function openPage(options) {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const watch = new Misdeeds(page);
  await watch.install(page);
  misdeeds.push(watch);
  return page;
}

/** A running project is watched while the test mines; nothing is loaded again. */
async function follow() {
  const page = await openPage(VARIANTS.light);
  await page.goto(`${origin}/projects/${project}`);
  const now = page.locator("section [aria-live=polite]").first();
  await page.getByText("Live: this page follows the chain.").waitFor();
  const before = await now.innerText();
  await page.evaluate(() => (window.sameDocument = true));
  await tell("watching", { now: before });
  await page.getByText("the aggregator weighs", { exact: false }).waitFor();
  await tell("weighing", { now: await now.innerText() });
  await page.getByText("trainers have attested", { exact: false }).waitFor();
  await tell("attesting", { now: await now.innerText() });
  await page.getByRole("img", { name: /^Pay by round/ }).waitFor();
  const same = await page.evaluate(() => window.sameDocument === true);
  await tell("final", { same, bars: await page.locator("figure rect").count() });
  await page.context().close();
}

/** The pages with what tells that they are there. */
const PAGES = {
  projects: ["/", "main ul.cards h2"],
  project: [`/projects/${project}`, "figure svg"],
  round: [`/projects/${project}/rounds/${round}?why=${trainer}`, ".reasons dt"],
  trainer: [`/trainers/${trainer}`, "figure svg"],
  aggregators: ["/aggregators", "tbody tr"],
  aggregator: [`/aggregators/${aggregator}`, "tbody tr"],
  quote: ["/quote", "tbody tr"],
  create: ["/create", "fieldset"],
  missing: ["/projects/none", "h1"],
  unknown: [`/projects/0x${"ab".repeat(32)}`, "[role=alert]"],
};

/** axe runs in the page's own world by the driver's means, which its policy does not concern. */
async function runAxe(page, rules) {
  await page.evaluate(AXE);
  return page.evaluate(async (runOnly) => {
    for (const details of document.querySelectorAll("details")) details.open = true;
    const { violations } = await window.axe.run(document, { runOnly });
    return violations.map(({ id, impact, nodes }) => ({ id, impact, where: nodes.slice(0, 4).map(({ html }) => html) }));
  }, rules);
}

async function look(page, name, variant) {
  const [path, ready] = PAGES[name];
  await page.goto(origin + path);
  await page.locator(ready).first().waitFor();
  await page.waitForFunction(() => document.querySelector("main .loading") === null);
  const violations = await runAxe(page, variant === "phone" ? NARROW_RULES : RULES);
  const shape = await page.evaluate(() => ({
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    headings: [...document.querySelectorAll("h1, h2, h3")].map((heading) => Number(heading.tagName[1])),
    title: document.title,
  }));
  await tell("page", { name, variant, violations, ...shape });
}

/** Without a mouse, without a network, with a choice of colours, and with answers that are refused. */
async function behave() {
  const page = await openPage(VARIANTS.light);
  await page.goto(`${origin}/projects/${project}`);
  await page.getByRole("img", { name: /^Pay by round/ }).waitFor();
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement?.textContent?.trim());
  await page.keyboard.press("Enter");
  const skipped = await page.evaluate(() => document.activeElement?.id);

  const series = page.locator(".legend button").first();
  await series.focus();
  await page.keyboard.press("Space");
  const faded = await page.locator("rect.faded").count();

  const address = page.locator("main .hex > a").first();
  await address.focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Tab");
  const whole = await address.innerText();

  await page.getByLabel("Colours").selectOption("dark");
  await page.reload();
  const scheme = await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);

  await page.getByRole("link", { name: "Aggregators" }).click();
  await page.getByRole("heading", { name: "Aggregators" }).waitFor();
  await page.goBack();
  await page.getByRole("img", { name: /^Pay by round/ }).waitFor();
  await tell("keyboard", { first, skipped, faded, whole, scheme });

  await page.context().setOffline(true);
  await page.getByText("No network.").waitFor();
  await page.getByRole("link", { name: "Quote" }).click();
  const alert = await page.getByRole("alert").innerText();
  await page.context().setOffline(false);
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Gas by role" }).waitFor();
  await tell("offline", { alert });

  await page.goto(`${origin}/?state=failed&q=nothing-like-this`);
  const empty = await page.locator("main .empty").innerText();
  await page.goto(`${origin}/?token=0x12`);
  const refused = await page.getByRole("alert").innerText();
  await tell("answers", { empty, refused });
  await page.context().close();
}

await follow();
for (const [variant, options] of Object.entries(VARIANTS)) {
  const page = await openPage(options);
  for (const name of Object.keys(PAGES)) await look(page, name, variant);
  await page.context().close();
}
await behave();
const origins = [...new Set(misdeeds.flatMap((watch) => [...watch.origins]))];
await tell("end", { origins, messages: misdeeds.flatMap((watch) => watch.messages) });
await browser.close();
process.exit(0);
