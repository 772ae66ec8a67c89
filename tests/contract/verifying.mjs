// Runs verify.mjs of docs/VERIFYING.md on what a server has signed, and on what verifying.py has made up.
import { readFileSync } from "node:fs";
import { verifyAnswer, verifyToken } from "./verify.mjs";

const read = (path) => JSON.parse(readFileSync(path, "utf8"));
const [given, other] = [read(process.argv[2]), read(process.argv[3])];
const holds = async (check) => {
  try {
    await check();
    return true;
  } catch {
    return false;
  }
};
const expect = async (expected, what, check) => {
  if ((await holds(check)) !== expected) throw new Error(`${what}: expected ${expected}`);
};
for (const [token, typ] of given.tokens) {
  await expect(true, typ, () => verifyToken(token, typ, given.keys));
  await expect(false, "another typ", () => verifyToken(token, "other+jwt", given.keys));
  await expect(false, "another key", () => verifyToken(token, typ, other.keys));
}
for (const [token, typ, expected] of other.made) {
  await expect(expected, typ, () => verifyToken(token, typ, other.keys));
}
for (const answer of given.answers) {
  const whole = { ...answer, body: Buffer.from(answer.body, "base64") };
  await expect(true, answer.url, () => verifyAnswer(whole, given.keys));
  await expect(false, "another body", () => verifyAnswer({ ...whole, body: "other" }, given.keys));
  await expect(false, "another nonce", () => verifyAnswer({ ...whole, nonce: "other" }, given.keys));
  await expect(false, "another status", () => verifyAnswer({ ...whole, status: answer.status + 1 }, given.keys));
}
console.log(given.tokens.length, other.made.length, given.answers.length);
