// What is typed is not lost: two people at one license, a link in the middle of a form, a server that dies and comes back,
// a slow network; and things are found as one types.
import { writeFileSync } from "node:fs";
import { browser, checkAccess, expect, given, person, setUp, signIn, story, url, visible } from "./browser.mjs";

const [link, apiKey, pid, wanted] = given;
const ada = await person();
let codes, phone, licensePage, customerPage;

const api = async (path, body) => {
    const headers = { "x-api-key": apiKey, "content-type": "application/json" };
    const answer = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    expect(answer.ok, `${path}: ${answer.status}`);
    return answer.json();
};
const heading = (page, name) => visible(page.getByRole("heading", { name, exact: true }));

await story(ada, [
    ["a house with a license, and a second desk", async () => {
        codes = await setUp(ada, `${url}${link}`, { name: "Ada Example", email: "ada@example.com" });
        await api("/api/admin/products", { code: "studio", name: "Studio" });
        await api("/api/admin/policies", { code: "studio", product: "studio", seats: 5 });
        const customer = await api("/api/admin/customers", { name: "Universität Wien", email: "licenses@univie.ac.at" });
        const sold = await api("/api/admin/licenses", { customer_id: customer.id, policy: "studio" });
        licensePage = `${url}/licenses/${sold.items[0].id}`;
        customerPage = `${url}/customers/${customer.id}`;
        phone = await person();
        await signIn(phone, "ada@example.com", codes);
    }],
    ["two people edit one license: each sees what the other made of it", async () => {
        for (const page of [ada, phone]) {
            await page.goto(licensePage);
            await page.getByRole("button", { name: "Edit" }).click();
        }
        await phone.getByRole("spinbutton", { name: "Seats" }).fill("7");
        await phone.getByRole("textbox", { name: "Note" }).fill("from the phone");
        await phone.getByRole("button", { name: "Save" }).click();
        await visible(phone.getByText("0 / 7"));
        // The news of it is there already; what she types stays.
        await ada.getByRole("spinbutton", { name: "Seats" }).fill("9");
        await visible(ada.getByText("0 / 7"));
        await visible(ada.getByRole("slider", { name: "As it was after" }));
        await visible(ada.getByRole("region", { name: "History" }).getByText("License edited"));
        await ada.getByRole("button", { name: "Save" }).click();
        const clashes = ada.getByRole("table", { name: "Both of you have changed this." });
        await visible(clashes.getByRole("row", { name: "Seats 7 9" }));
        expect((await clashes.getByRole("row").count()) === 2, "only what both have changed");
        expect((await ada.getByRole("textbox", { name: "Note" }).inputValue()) === "from the phone", "what one has changed is taken");
        await checkAccess(ada, "conflict");
        await clashes.getByRole("button", { name: "Take theirs" }).click();
        expect((await ada.getByRole("spinbutton", { name: "Seats" }).inputValue()) === "7", "theirs");
        await ada.getByRole("spinbutton", { name: "Seats" }).fill("8");
        await ada.getByRole("button", { name: "Save" }).click();
        await visible(ada.getByText("0 / 8"));
        await visible(ada.getByText("from the phone").first());
        await ada.getByRole("button", { name: "Undo" }).click();
        await visible(ada.getByText("0 / 7"));
    }],
    ["a link in the middle of a form asks first", async () => {
        await ada.goto(customerPage);
        await ada.getByRole("button", { name: "Edit" }).click();
        await ada.getByRole("textbox", { name: "Company" }).fill("Informatik");
        const asked = [];
        const answer = (stays) => ada.once("dialog", async (dialog) => {
            asked.push(dialog.message());
            await (stays ? dialog.dismiss() : dialog.accept());
        });
        answer(true);
        await ada.getByRole("link", { name: "Devices" }).click();
        expect(asked.length === 1 && ada.url() === customerPage, "one stays");
        expect((await ada.getByRole("textbox", { name: "Company" }).inputValue()) === "Informatik", "with what was typed");
    }],
    ["the server dies in the middle of the form, and comes back: nothing typed is lost", async () => {
        process.kill(Number(pid), "SIGKILL");
        await ada.getByRole("button", { name: "Save" }).click();
        await visible(ada.getByRole("alert"));
        expect((await ada.getByRole("textbox", { name: "Company" }).inputValue()) === "Informatik", "what was typed stays");
        writeFileSync(wanted, "the server is wanted back");
        await ada.waitForFunction(async () => (await fetch("/readyz").catch(() => undefined))?.ok, undefined, { timeout: 60_000 });
        // A server that has just begun may ask once more for patience; a person clicks again.
        const saved = ada.getByRole("status").getByText("Saved");
        for (let tries = 0; tries < 5; tries += 1) {
            await ada.getByRole("button", { name: "Save" }).click();
            if (await saved.waitFor({ timeout: 5_000 }).then(() => true, () => false)) break;
        }
        await visible(ada.getByText("Informatik").first());
        await visible(ada.getByRole("row", { name: /0 \/ 7/ }));
        // What the browser itself complained of while there was no server.
        ada.complaints = [];
        phone.complaints = [];
    }],
    ["things are found as one types", async () => {
        await ada.keyboard.press("Control+k");
        await ada.keyboard.type("univrsitat");
        const option = ada.getByRole("option", { name: "Universität Wien" });
        await visible(option);
        await checkAccess(ada, "palette");
        await ada.keyboard.press("Enter");
        await heading(ada, "Universität Wien");
        await ada.goto(`${url}/customers`);
        await ada.getByRole("searchbox", { name: "Search" }).fill("informatik");
        await ada.getByRole("searchbox", { name: "Search" }).press("Enter");
        await visible(ada.getByText("1 in all"));
        expect(ada.url().endsWith("/customers?q=informatik"), ada.url());
    }],
    ["a customer's page shows what somebody else makes of its licenses", async () => {
        await ada.goto(customerPage);
        await visible(ada.getByRole("row", { name: /0 \/ 7/ }));
        await phone.goto(licensePage);
        await phone.getByRole("button", { name: "Edit" }).click();
        await phone.getByRole("spinbutton", { name: "Seats" }).fill("6");
        await phone.getByRole("button", { name: "Save" }).click();
        await visible(ada.getByRole("row", { name: /0 \/ 6/ }));
    }],
    ["on a slow network pages say that they come, and work", async () => {
        const network = await ada.context().newCDPSession(ada);
        await network.send("Network.enable");
        await network.send("Network.emulateNetworkConditions", { offline: false, latency: 400, downloadThroughput: 60_000, uploadThroughput: 30_000 });
        await ada.goto(`${url}/licenses`);
        await visible(ada.locator(".skeleton"));
        await visible(ada.getByRole("table", { name: "Licenses" }));
        await ada.getByRole("link", { name: /^LIC-/ }).click();
        await visible(ada.getByRole("button", { name: "Suspend" }));
        await ada.getByRole("button", { name: "Suspend" }).click();
        await visible(ada.getByRole("status").getByText("License suspended"));
    }],
]);
await browser.close();
console.log("well");
