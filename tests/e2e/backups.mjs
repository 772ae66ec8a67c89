// Backups: one is made, tried in sight, fetched, and deleted once its name is typed.
import { stat } from "node:fs/promises";
import { browser, checkAccess, expect, given, person, setUp, shot, story, url, visible } from "./browser.mjs";

const [link] = given;
const ada = await person();
const list = () => ada.getByRole("table", { name: "Backups" });
const runs = () => ada.getByRole("region", { name: "Made and tried" });
const said = (words) => visible(ada.getByRole("status").getByText(words));

await story(ada, [
    ["a house whose backups are made by themselves", async () => {
        await setUp(ada, `${url}${link}`, { name: "Ada Example", email: "ada@example.com" });
        await ada.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Backups" }).click();
        await visible(ada.getByText("24 hours"));
        // Nothing that a browser waits for: what is not running is looked at when somebody wants to see it.
        const tried = runs().getByRole("row", { name: /Restore and check done/ });
        for (const until = Date.now() + 90_000; Date.now() < until && !(await tried.count()); await ada.reload()) {
            await new Promise((wake) => setTimeout(wake, 1_000));
            await visible(runs().getByRole("table"));
        }
        await visible(runs().getByRole("row", { name: /Make a backup done/ }));
        await visible(tried);
    }],
    ["one by hand, tried in sight", async () => {
        await ada.getByRole("button", { name: "Make a backup" }).click();
        await said("It is being made");
        await ada.locator("tbody").first().locator("tr").nth(1).waitFor();
        const newest = list().locator("tbody tr").first();
        await newest.getByRole("button", { name: "Restore and check" }).click();
        await said("It has begun");
        await visible(newest.getByRole("cell", { name: "never" }));
        await newest.getByRole("cell", { name: "never" }).waitFor({ state: "detached" });
        await visible(list().getByText("holds"));
        await checkAccess(ada, "backups");
        await ada.setViewportSize({ width: 360, height: 740 });
        const wide = await ada.evaluate(() => document.documentElement.scrollWidth);
        expect(wide <= 360, `it is ${wide} pixels wide`);
        await shot(ada, "narrow-backups");
        await ada.setViewportSize({ width: 1280, height: 900 });
    }],
    ["fetched, sealed as it is", async () => {
        const fetch = list().locator("tbody tr").first().getByRole("button", { name: "Download" });
        const [file] = await Promise.all([ada.waitForEvent("download"), fetch.click()]);
        expect(/^licet-backup-[0-9TZ-]+\.tar$/.test(file.suggestedFilename()), file.suggestedFilename());
        expect((await stat(await file.path())).size > 10_000, "it holds something");
    }],
    ["deleted, once its name is typed", async () => {
        await list().locator("tbody tr").first().getByRole("button", { name: "Delete backup" }).click();
        const dialog = ada.getByRole("dialog", { name: "Delete backup" });
        const name = await dialog.locator("code").textContent();
        await dialog.getByRole("textbox").fill(name.slice(1));
        expect(await dialog.getByRole("button", { name: "Delete backup" }).isDisabled(), "not before the name is typed");
        await checkAccess(ada, "backup-delete");
        await dialog.getByRole("textbox").fill(name);
        await dialog.getByRole("button", { name: "Delete backup" }).click();
        await said("Backup deleted");
        await list().locator("tbody tr").nth(1).waitFor({ state: "detached" });
    }],
]);
await browser.close();
console.log("well");
