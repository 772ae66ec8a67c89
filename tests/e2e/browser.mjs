// A real Chromium, and what a person does in it: found by role and label, as a screen reader finds it.
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(join(process.env.LICET_NODE_BIN, "..", "x.js"));
const { chromium } = require("playwright-core");
const axe = require("axe-core");

export const [url, ...given] = process.argv.slice(2);
export const password = "correct horse battery";
const shots = process.env.LICET_SCREENSHOTS;

const settings = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
// Where other tools reach this browser.
if (process.env.LICET_DEBUG_PORT) settings.push(`--remote-debugging-port=${process.env.LICET_DEBUG_PORT}`);
export const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: settings });

/// A browser of its own, which fails with whatever its pages complain of.
export async function person(options = {}) {
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("console", (message) => {
        const text = message.text();
        const refused = /the server responded with a status of (401|403|409|412|422|429)/.test(text);
        if (message.type() === "error" && !refused) page.complaints.push(text);
    });
    return page;
}

export function expect(truth, what) {
    if (!truth) throw new Error(what);
}

export async function visible(locator) {
    await locator.first().waitFor({ state: "visible" });
}

/// RFC 6238, by hand: the app that a person has on the phone.
export function code(secret, step) {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const bits = [...secret].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
    const bytes = bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac("sha1", Buffer.from(bytes)).update(counter).digest();
    const offset = digest.at(-1) & 15;
    return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/// Codes of one secret, each a later step than the one before: the last step, this one, the next, then those to come.
export class Codes {
    constructor(secret) {
        this.secret = secret;
        this.step = 0;
    }
    async next() {
        for (;;) {
            const now = Math.floor(Date.now() / 30_000);
            // A code of the last step that is about to be two steps old would come too late on a busy machine.
            const ending = Date.now() % 30_000 > 18_000;
            const step = Math.max(this.step + 1, ending ? now : now - 1);
            if (step <= now + 1) {
                this.step = step;
                return code(this.secret, step);
            }
            await new Promise((wake) => setTimeout(wake, 500));
        }
    }
}

/// From a setup link to the dashboard; answers the codes of the second factor.
export async function setUp(page, link, who) {
    await page.goto(link);
    if (who) {
        await page.getByRole("textbox", { name: "Name" }).fill(who.name);
        await page.getByRole("textbox", { name: "Email" }).fill(who.email);
    }
    await page.getByRole("textbox", { name: "Password" }).fill(password);
    await page.getByRole("button", { name: "Continue" }).click();
    await visible(page.getByRole("img", { name: "QR code of the second factor" }));
    const secret = await page.locator("code").first().textContent();
    const codes = new Codes(secret);
    await page.getByRole("textbox", { name: "Code" }).fill(await codes.next());
    await page.getByRole("button", { name: "Verify" }).click();
    await visible(page.getByRole("heading", { name: "Recovery codes" }));
    expect((await page.locator(".codes code").count()) === 10, "ten recovery codes are shown");
    await page.getByRole("button", { name: "I have kept them" }).click();
    await visible(page.getByRole("heading", { name: "Dashboard" }));
    return codes;
}

export async function signIn(page, email, codes) {
    await page.goto(`${url}/login`);
    await page.getByRole("textbox", { name: "Email" }).fill(email);
    await page.getByRole("textbox", { name: "Password" }).fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("textbox", { name: "Code" }).fill(await codes.next());
    await page.getByRole("button", { name: "Verify" }).click();
    await visible(page.getByRole("heading", { name: "Dashboard" }));
}

/// What a page says to who does not see it, compared with what was kept of it in `snapshots/`. Whoever changes a page on
/// purpose runs with LICET_KEEP_SNAPSHOTS=1 and reads the difference.
async function checkSnapshot(page, name) {
    const kept = fileURLToPath(new URL(`snapshots/${name}.yml`, import.meta.url));
    const read = async () => `${steady(await page.locator("body").ariaSnapshot())}\n`;
    if (process.env.LICET_KEEP_SNAPSHOTS) {
        await new Promise((wake) => setTimeout(wake, 1_500));
        return writeFileSync(kept, await read());
    }
    if (!existsSync(kept)) return;
    const was = readFileSync(kept, "utf8");
    const until = Date.now() + 10_000;
    let is = await read();
    // What is still loaded is there in a moment.
    while (is !== was && Date.now() < until) {
        await new Promise((wake) => setTimeout(wake, 200));
        is = await read();
    }
    const [before, now] = [was.split("\n"), is.split("\n")];
    const first = now.findIndex((line, place) => line !== before[place]);
    const near = (lines) => lines.slice(Math.max(0, first - 2), first + 6).join("\n");
    expect(is === was, `${name} reads otherwise than in ${kept}, from line ${first + 1}:\n${near(now)}\nand not\n${near(before)}`);
}

/// Without what is another one each time: keys, ids, moments, days, and toasts.
function steady(text) {
    return text
        .replace(/^- status(:\n {2}[^]*)?$/m, "")
        .trimEnd()
        .replaceAll(/\b[0-9a-f]{32}\b/g, "ID")
        .replaceAll(/· [\w-]{11} ×/g, "· MACHINE ×")
        .replaceAll(/(searchbox "[^"]*"): "?[0-9A-Z]{5}"?$/gm, "$1: END")
        .replaceAll(/LIC(-[0-9A-Z*]{5}){5}/g, "LIC-KEY")
        .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
        .replaceAll(/\d{1,2}[/.]\d{1,2}[/.]\d{4}, \d{2}:\d{2}:\d{2}/g, "MOMENT")
        .replaceAll(/\b20\d{2}-\d{2}-\d{2}\b/g, "DAY")
        .replaceAll(/\b20\d{2}-\d{2}\b/g, "MONTH")
        .replaceAll(/just now|(in )?\d+ \w+ ago|in \d+ (minutes|hours|days|weeks|months|years)|gerade eben/g, "MOMENT");
}

/// A page as axe sees it (WCAG 2.2 AA), in both themes, and as it is read out.
export async function checkAccess(page, name) {
    await checkSnapshot(page, name);
    for (const theme of ["light", "dark"]) {
        await page.evaluate((theme) => document.documentElement.setAttribute("data-theme", theme), theme);
        // The page's own rules allow no script from elsewhere: the debugger's protocol is not bound by them.
        await page.evaluate(axe.source);
        const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
        const { violations } = await page.evaluate((tags) => axe.run(document, { runOnly: tags }), tags);
        const told = violations.map((one) => `${one.id}: ${one.help}\n    ${one.nodes.map((node) => node.html).join("\n    ")}`);
        expect(told.length === 0, `${name} (${theme}) is not accessible:\n${told.join("\n")}`);
        await shot(page, `${name}-${theme}`);
    }
}

/// A picture, for who wants to look.
export async function shot(page, name) {
    if (!shots) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
}

/// Runs steps, and says which one failed, with a picture.
export async function story(page, steps) {
    for (const [what, step] of steps) {
        try {
            await step();
            expect(page.complaints.length === 0, `the page complains: ${page.complaints.join("\n")}`);
        } catch (error) {
            await shot(page, "failed");
            console.error(`${what}: ${error.stack ?? error}\n${await page.locator("body").ariaSnapshot().catch(() => "")}`);
            await browser.close();
            process.exit(1);
        }
    }
}
