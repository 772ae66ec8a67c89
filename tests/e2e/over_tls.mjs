// Through nginx and TLS: the session's cookie, the live stream, and no cross-site change.
import { browser, expect, given, person, setUp, signIn, story, url, visible } from "./browser.mjs";

const [link, apiKey, direct] = given;
const ada = await person({ ignoreHTTPSErrors: true });
let codes;

await story(ada, [
    ["the session's cookie is the host's own", async () => {
        codes = await setUp(ada, `${url}${link}`, { name: "Ada Example", email: "ada@example.com" });
        const cookies = await ada.context().cookies();
        const session = cookies.find((cookie) => cookie.name === "__Host-licet");
        expect(session?.secure && session.httpOnly && session.sameSite === "Strict" && session.path === "/", JSON.stringify(cookies));
        expect(!cookies.some((cookie) => cookie.name === "licet"), "none without TLS");
        await ada.reload();
        await visible(ada.getByRole("heading", { name: "Dashboard" }));
    }],
    ["what happens comes through at once", async () => {
        await visible(ada.getByText("Live", { exact: true }));
        const headers = { "x-api-key": apiKey, "content-type": "application/json" };
        await fetch(`${direct}/api/admin/products`, { method: "POST", headers, body: JSON.stringify({ code: "studio", name: "Studio" }) });
        await visible(ada.getByText("Product created"));
    }],
    ["a cookie without its prefix opens nothing", async () => {
        const [session] = (await ada.context().cookies()).filter((cookie) => cookie.name === "__Host-licet");
        const stranger = await person({ ignoreHTTPSErrors: true });
        await stranger.context().addCookies([{ name: "licet", value: session.value, url, secure: true }]);
        await stranger.goto(`${url}/licenses`);
        await visible(stranger.getByRole("heading", { name: "Sign in" }));
        await signIn(stranger, "ada@example.com", codes);
        await stranger.context().close();
    }],
]);
await browser.close();
console.log("well");
