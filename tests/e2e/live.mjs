// What happens elsewhere is there within a moment: in ten tabs over one stream, in the devices' room, and in a file.
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { browser, checkAccess, expect, given, person, setUp, story, url, visible } from "./browser.mjs";

const [link, apiKey, client] = given;
const ada = await person();
const streams = [];
ada.context().on("request", (request) => {
    if (request.url().endsWith("/api/admin/live")) streams.push(request);
});
const tabs = [ada];
let license;

const api = async (path, body) => {
    const headers = { "x-api-key": apiKey, "content-type": "application/json" };
    const answer = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
};
const activate = (number) => api("/api/license/activate", {
    license_key: license.key,
    hostname: `machine-${number}`,
    os: number % 2 ? "linux" : "windows",
    app_version: `1.${number}.0`,
    fingerprint: { mac_addresses: [`3c:52:82:00:00:0${number}`], system_uuid: `00000000-0000-4000-8000-00000000000${number}`, cpu_id: "one model" },
});
const figure = (page, name) => page.getByRole("link", { name });

await story(ada, [
    ["a house with a license", async () => {
        await setUp(ada, `${url}${link}`, { name: "Ada Example", email: "ada@example.com" });
        await api("/api/admin/products", { code: "studio", name: "Studio" });
        await api("/api/admin/policies", { code: "studio", product: "studio", seats: 5 });
        const customer = await api("/api/admin/customers", { name: "Universität Wien", email: "licenses@univie.ac.at" });
        const sold = await api("/api/admin/licenses", { customer_id: customer.id, policy: "studio" });
        license = sold.items[0];
        await visible(ada.getByText("Live", { exact: true }));
        await visible(figure(ada, "Active licenses").getByText("1", { exact: true }));
        await visible(ada.getByText("License issued"));
        await checkAccess(ada, "dashboard");
    }],
    ["ten tabs hear of a device over one stream", async () => {
        for (let number = 0; number < 9; number += 1) {
            const tab = await ada.context().newPage();
            await tab.goto(`${url}/`);
            tabs.push(tab);
        }
        for (const tab of tabs) await visible(figure(tab, "Active devices").getByText("0", { exact: true }));
        await activate(1);
        for (const tab of tabs) await visible(figure(tab, "Active devices").getByText("1", { exact: true }));
        expect(streams.length === 1, `${streams.length} streams`);
    }],
    ["the tab that reads goes, and another reads on", async () => {
        await tabs.shift().close();
        await activate(2);
        for (const tab of tabs) await visible(figure(tab, "Active devices").getByText("2", { exact: true }));
        expect(streams.length === 2, `${streams.length} streams`);
    }],
]);
const [page] = tabs;
page.complaints = [];
await story(page, [
    ["devices are filtered, ordered, and fetched as a file", async () => {
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Devices" }).click();
        await visible(page.getByRole("table", { name: "Devices" }));
        await visible(page.getByRole("cell", { name: "machine-2" }));
        const first = page.locator("tbody tr").first();
        await visible(first.getByText("machine-2"));
        await page.getByRole("columnheader", { name: "Activated" }).getByRole("button").click();
        await visible(page.locator("th[aria-sort=ascending]"));
        await visible(first.getByText("machine-1"));
        await page.getByRole("button", { name: "Filter" }).click();
        await page.getByRole("textbox", { name: "System" }).fill("windows");
        await page.getByRole("textbox", { name: "System" }).press("Enter");
        await visible(page.getByText("1 in all"));
        await checkAccess(page, "devices");
        const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Export" }).click()]);
        expect(file.suggestedFilename() === "activations.csv", file.suggestedFilename());
        const lines = (await readFile(await file.path(), "utf8")).trim().split("\r\n");
        expect(lines.length === 2 && lines[1].includes("machine-2"), lines.join("\n"));
    }],
    ["an address is blocked, and let in again", async () => {
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Blocked addresses" }).click();
        await visible(page.getByText("You are seen as 127.0.0.1"));
        await page.getByRole("button", { name: "Block address" }).click();
        const dialog = page.getByRole("dialog", { name: "Block address" });
        await dialog.getByRole("textbox", { name: "Network" }).fill("0.0.0.0/0");
        await dialog.getByRole("button", { name: "Block address" }).click();
        await visible(dialog.locator("#field-network-error"));
        await dialog.getByRole("textbox", { name: "Network" }).fill("192.0.2.0/24");
        await dialog.getByRole("textbox", { name: "Reason" }).fill("guesses");
        await dialog.getByRole("button", { name: "Block address" }).click();
        await visible(page.getByRole("cell", { name: "192.0.2.0/24" }));
        await checkAccess(page, "blocked");
        await page.getByRole("button", { name: "Unblock" }).click();
        await visible(page.getByRole("status").getByText("Address unblocked"));
    }],
    ["nothing has looked wrong so far", async () => {
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Anomalies" }).click();
        await visible(page.getByText("Nothing has looked wrong so far."));
        await checkAccess(page, "anomalies");
    }],
    ["this very machine, by the command that customers run, is there as it happens", async () => {
        await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Dashboard" }).click();
        await visible(figure(page, "Active devices").getByText("2", { exact: true }));
        const folder = await mkdtemp(join(tmpdir(), "licet-client-"));
        const run = (...order) => spawnSync(client, ["--server", url, "--api-key", apiKey, ...order], { cwd: folder, encoding: "utf8" });
        if (run("fingerprint").status !== 0) {
            console.error("SKIPPED: this machine hides its hardware, so the command was not tried on it");
        } else {
            const activated = run("activate", license.key);
            expect(activated.status === 0, activated.stderr);
            await visible(figure(page, "Active devices").getByText("3", { exact: true }));
        }
        await rm(folder, { recursive: true });
    }],
]);
await browser.close();
console.log("well");
