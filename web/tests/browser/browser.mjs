/** Chromium as a user has it, with an ear on everything that it must not do. */

import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export async function openBrowser(executablePath) {
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** What a page did that it must not: foreign requests, errors on its console, breaches of its policy. */
export class Misdeeds {
  origins = new Set();
  messages = [];

  constructor(page) {
    page.on("request", (request) => this.origins.add(new URL(request.url()).origin));
    page.on("pageerror", (error) => this.messages.push(`error: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      this.messages.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    });
  }

  async install(page) {
    await page.exposeBinding("reportViolation", (_, text) => this.messages.push(`policy: ${text}`));
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => {
        void window.reportViolation(`${violatedDirective} ${blockedURI}`);
      });
    });
  }
}
