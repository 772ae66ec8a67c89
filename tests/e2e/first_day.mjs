// The first day: from the setup link to a license that is sold, used, suspended, resumed and explained, and a colleague.
import { browser, checkAccess, expect, given, person, password, setUp, shot, signIn, story, url, visible } from "./browser.mjs";

const [link, apiKey] = given;
const ada = await person();
const grace = await person();
let codes, key, licensePage, invitation, graceCodes;

const heading = (page, name) => visible(page.getByRole("heading", { name, exact: true }));
const go = async (page, name) => {
    await page.getByRole("navigation", { name: "Main" }).getByRole("link", { name, exact: true }).click();
    await heading(page, name);
};
const api = async (path, body) => {
    const headers = { "x-api-key": apiKey, "content-type": "application/json" };
    const answer = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    return { ...(await answer.json()), status: answer.status };
};
const machine = (number) => ({
    license_key: key,
    hostname: `machine-${number}`,
    fingerprint: { mac_addresses: [`3c:52:82:00:00:0${number}`], system_uuid: `00000000-0000-4000-8000-00000000000${number}`, cpu_id: "one model" },
});

await story(ada, [
    ["a stranger is asked to sign in, and sent where they wanted afterwards", async () => {
        await ada.goto(`${url}/licenses?status=active`);
        await heading(ada, "Sign in");
        expect(ada.url().includes("next=%2Flicenses%3Fstatus%3Dactive"), ada.url());
        await checkAccess(ada, "login");
    }],
    ["what is wrong is said once, and nothing is lost", async () => {
        await ada.getByRole("textbox", { name: "Email" }).fill("ada@example.com");
        await ada.getByRole("textbox", { name: "Password" }).fill("not the password");
        await ada.getByRole("button", { name: "Sign in" }).click();
        await visible(ada.getByRole("alert"));
        expect((await ada.getByRole("alert").count()) === 1, "one alert");
        expect((await ada.getByRole("textbox", { name: "Email" }).inputValue()) === "ada@example.com", "the address stays");
    }],
    ["the link sets up the first operator", async () => {
        codes = await setUp(ada, `${url}${link}`, { name: "Ada Example", email: "ada@example.com" });
        await checkAccess(ada, "dashboard-empty");
    }],
    ["a product, a policy and a customer", async () => {
        await go(ada, "Products");
        await ada.getByRole("button", { name: "New product" }).click();
        const dialog = ada.getByRole("dialog", { name: "New product" });
        await dialog.getByRole("textbox", { name: "Code" }).fill("studio");
        await dialog.getByRole("textbox", { name: "Name" }).fill("Studio");
        await dialog.getByRole("button", { name: "Create" }).click();
        await visible(ada.getByRole("cell", { name: "studio" }));
        await go(ada, "Policies");
        await ada.getByRole("button", { name: "New policy" }).click();
        const policy = ada.getByRole("dialog", { name: "New policy" });
        await policy.getByRole("textbox", { name: "Code" }).fill("studio-solo");
        await policy.getByRole("spinbutton", { name: "Seats" }).fill("0");
        await policy.getByRole("button", { name: "Create" }).click();
        const seats = policy.getByRole("spinbutton", { name: "Seats" });
        await visible(policy.locator("#field-seats-error"));
        expect((await seats.getAttribute("aria-describedby")).includes("field-seats-error"), "the field is described by its error");
        await seats.fill("1");
        await policy.getByRole("button", { name: "Create" }).click();
        await visible(ada.getByRole("cell", { name: "studio-solo" }));
        await go(ada, "Customers");
        await visible(ada.getByText("There is nothing yet."));
        await ada.getByRole("link", { name: "New customer" }).click();
        await ada.getByRole("textbox", { name: "Name" }).fill("Universität <b>Wien</b>\u202e");
        await ada.getByRole("textbox", { name: "Email" }).fill("licenses@univie.ac.at");
        await ada.getByRole("button", { name: "Create" }).click();
        await heading(ada, "Universität <b>Wien</b>");
    }],
    ["a sale", async () => {
        await ada.getByRole("link", { name: "New license" }).click();
        await visible(ada.getByText("That means:"));
        await checkAccess(ada, "new-license");
        await ada.getByRole("button", { name: "Issue license" }).click();
        await visible(ada.getByText("Sold."));
        key = await ada.locator(".keys code").first().textContent();
        expect(/^LIC(-[0-9A-Z]{5}){5}$/.test(key), key);
        await ada.getByRole("link", { name: "Open" }).click();
        await visible(ada.getByText("No device has a seat yet."));
        licensePage = ada.url();
    }],
    ["a device takes the seat, another is refused and told why", async () => {
        const first = await api("/api/license/activate", machine(1));
        expect(first.token, `the first gets the seat: ${JSON.stringify(first)}`);
        expect((await api("/api/license/activate", machine(2))).code === "ACTIVATION_LIMIT_REACHED", "the second does not");
        // The device appears by itself; refusals are gathered for a moment before they are told.
        await visible(ada.getByRole("cell", { name: "machine-1" }));
        await visible(ada.getByText("1 / 1"));
        for (const until = Date.now() + 20_000; Date.now() < until;) {
            await ada.reload();
            await visible(ada.getByRole("region", { name: "Refusals" }));
            if (await ada.getByText("Activation limit reached").first().waitFor({ timeout: 2_000 }).then(() => true, () => false)) break;
        }
        await visible(ada.getByText("Activation limit reached"));
        await visible(ada.getByText("1 / 1"));
        await checkAccess(ada, "license");
    }],
    ["a suspension, undone", async () => {
        await ada.getByRole("button", { name: "Suspend" }).click();
        await visible(ada.getByRole("status").getByText("License suspended"));
        await visible(ada.getByText("suspended", { exact: true }));
        await ada.getByRole("button", { name: "Undo" }).click();
        await visible(ada.getByRole("button", { name: "Suspend" }));
        await visible(ada.getByText("License resumed").first());
    }],
    ["seats, edited in place", async () => {
        await ada.getByRole("button", { name: "Edit" }).click();
        await ada.getByRole("spinbutton", { name: "Seats" }).fill("3");
        await ada.getByRole("button", { name: "Save" }).click();
        await visible(ada.getByText("1 / 3"));
    }],
    ["the license as it was", async () => {
        await ada.getByRole("slider").fill("0");
        await visible(ada.getByText("This is how it was."));
        await visible(ada.getByText("0 / 1"));
        expect((await ada.getByRole("button", { name: "Suspend" }).count()) === 0, "the past cannot be changed");
        const last = await ada.getByRole("slider").getAttribute("max");
        await ada.getByRole("slider").fill(last);
        await visible(ada.getByText("1 / 3"));
    }],
    ["lists: the address is the state, and the key's end finds it", async () => {
        await go(ada, "Licenses");
        await visible(ada.getByRole("table", { name: "Licenses" }));
        await ada.getByRole("button", { name: "Filter" }).click();
        await ada.getByRole("combobox", { name: "Status" }).selectOption("revoked");
        await visible(ada.getByText("Nothing matches."));
        expect(ada.url().endsWith("/licenses?status=revoked"), ada.url());
        await ada.getByRole("button", { name: "Clear the filter" }).click();
        await ada.getByRole("searchbox", { name: "Search" }).fill(key.slice(-5));
        await ada.getByRole("searchbox", { name: "Search" }).press("Enter");
        await visible(ada.getByText("1 in all"));
        await ada.getByRole("button", { name: "Columns" }).click();
        await ada.getByRole("checkbox", { name: "Issued at" }).check();
        await visible(ada.getByRole("columnheader", { name: "Issued at" }));
        await ada.reload();
        await visible(ada.getByRole("columnheader", { name: "Issued at" }));
        await checkAccess(ada, "licenses");
    }],
    ["the palette leads everywhere", async () => {
        await ada.keyboard.press("Control+k");
        await visible(ada.getByRole("dialog", { name: "Command palette" }));
        await ada.keyboard.type("audit");
        await ada.keyboard.press("Enter");
        await heading(ada, "Audit log");
        await visible(ada.getByRole("cell", { name: "License suspended" }));
        await visible(ada.getByRole("cell", { name: "Ada Example Operator" }));
        await checkAccess(ada, "audit");
    }],
    ["a colleague is invited", async () => {
        await go(ada, "Operators");
        await ada.getByRole("button", { name: "Invite operator" }).click();
        const dialog = ada.getByRole("dialog", { name: "Invite operator" });
        await dialog.getByRole("textbox", { name: "Name" }).fill("Grace Example");
        await dialog.getByRole("textbox", { name: "Email" }).fill("grace@example.com");
        await dialog.getByRole("combobox", { name: "Role" }).selectOption("support");
        await dialog.getByRole("button", { name: "Invite" }).click();
        await visible(dialog.getByRole("status"));
        invitation = await dialog.locator("code").textContent();
        await dialog.getByRole("button", { name: "I have kept it" }).click();
        await visible(ada.getByRole("cell", { name: "grace@example.com" }));
        await checkAccess(ada, "operators");
    }],
]);

await story(grace, [
    ["the colleague sets up", async () => {
        graceCodes = await setUp(grace, invitation);
    }],
    ["support cannot revoke, and sees why", async () => {
        await grace.goto(licensePage);
        const revoke = grace.getByRole("button", { name: "Revoke" });
        await visible(revoke);
        expect((await revoke.getAttribute("aria-disabled")) === "true", "it is disabled");
        expect((await revoke.getAttribute("title")).includes("owner, admin"), await revoke.getAttribute("title"));
        await grace.goto(`${url}/audit`);
        await visible(grace.getByRole("alert").getByText("does not have the permission audit.read"));
    }],
    ["in German", async () => {
        await grace.getByRole("button", { name: "Account" }).click();
        await grace.getByRole("menuitemradio", { name: "Deutsch" }).click();
        await visible(grace.getByRole("link", { name: "Lizenzen" }));
        expect((await grace.locator("html").getAttribute("lang")) === "de", "the document says so");
        await grace.goto(`${url}/licenses`);
        await visible(grace.getByRole("table", { name: "Lizenzen" }));
        await checkAccess(grace, "licenses-de");
    }],
]);

await story(ada, [
    ["a session is ended elsewhere; in the middle of an edit one signs in again in place, and it is saved", async () => {
        await ada.goto(`${url}/customers`);
        await ada.getByRole("link", { name: "Universität <b>Wien</b>" }).click();
        await ada.getByRole("button", { name: "Edit" }).click();
        await ada.getByRole("textbox", { name: "Company" }).fill("Informatik");
        const phone = await person();
        await signIn(phone, "ada@example.com", codes);
        await phone.goto(`${url}/sessions`);
        const others = phone.getByRole("row").filter({ hasText: "Ada Example" }).filter({ hasNotText: "(this one)" });
        await others.getByRole("button", { name: "End", exact: true }).first().click();
        await visible(phone.getByRole("status").getByText("Session ended"));
        await ada.getByRole("button", { name: "Save" }).click();
        const dialog = ada.getByRole("dialog", { name: "Sign in again" });
        await dialog.getByLabel("Password").fill(password);
        await dialog.getByRole("button", { name: "Sign in" }).click();
        await dialog.getByRole("textbox", { name: "Code" }).fill(await codes.next());
        await dialog.getByRole("button", { name: "Sign in" }).click();
        await visible(ada.getByText("Informatik"));
        await phone.context().close();
    }],
    ["revoking asks for the word", async () => {
        await ada.goto(licensePage);
        await ada.getByRole("button", { name: "Revoke" }).click();
        const dialog = ada.getByRole("dialog", { name: "Revoke" });
        expect(await dialog.getByRole("button", { name: "Revoke" }).isDisabled(), "not before the word is typed");
        await dialog.getByRole("textbox").fill(key.slice(-5));
        await dialog.getByRole("button", { name: "Revoke" }).click();
        await visible(ada.getByText("License revoked").first());
    }],
    ["360 pixels suffice", async () => {
        await ada.setViewportSize({ width: 360, height: 740 });
        const license = new URL(licensePage).pathname;
        await ada.goto(`${url}/customers`);
        const customer = await ada.locator("tbody tr").first().getByRole("link").first().getAttribute("href");
        const rooms = ["", "licenses", "customers", "devices", "products", "policies", "releases", "anomalies", "audit", "api-keys", "operators", "sessions", "blocked", "profile", "licenses/new", "customers/new"];
        for (const path of [...rooms.map((room) => `/${room}`), license, customer]) {
            await ada.goto(`${url}${path}`);
            await visible(ada.getByRole("heading", { level: 1 }));
            await ada.locator(".skeleton").first().waitFor({ state: "hidden" });
            const wide = await ada.evaluate(() => document.documentElement.scrollWidth);
            expect(wide <= 360, `${path} is ${wide} pixels wide`);
            await shot(ada, `narrow${path.replaceAll("/", "-")}`);
        }
    }],
    ["out", async () => {
        await ada.setViewportSize({ width: 1280, height: 900 });
        await ada.getByRole("button", { name: "Account" }).click();
        await ada.getByRole("menuitem", { name: "Sign out" }).click();
        await heading(ada, "Sign in");
        await ada.goto(`${url}/no-such-page`);
        await heading(ada, "Sign in");
    }],
]);
await browser.close();
console.log("well");
