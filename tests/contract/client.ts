// A client that openapi-typescript has typed, at a running server. Arguments: the server's URL, an API key.
import createClient from "openapi-fetch";
import type { components, paths } from "./licet";

const [baseUrl, key] = process.argv.slice(2) as [string, string];
const client = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

function expect(holds: boolean, what: unknown): asserts holds {
  if (!holds) throw new Error(JSON.stringify(what));
}

async function main(): Promise<void> {
  await client.POST("/api/admin/products", { body: { code: "sketch", name: "Sketch" } });
  const policy = await client.POST("/api/admin/policies", {
    body: { code: "sketch", product: "sketch", seats: 1, duration_days: 30, features: { export: true }, limits: { pages: 100 } },
  });
  expect(policy.data?.features["export"] === true, policy.error);
  const customer = await client.POST("/api/admin/customers", { body: { name: "Universität Wien", email: "licenses@univie.ac.at" } });
  expect(customer.data !== undefined, customer.error);
  const issued = await client.POST("/api/admin/licenses", { body: { customer_id: customer.data.id, policy: "sketch" } });
  const id = issued.data?.items[0]?.id ?? "";
  const read = await client.GET("/api/admin/licenses/{id}", { params: { path: { id } } });
  expect(read.data !== undefined, read.error);
  const status: components["schemas"]["LicenseStatus"] = read.data.status;
  const end: string | null = read.data.expires_at;
  expect(status === "active" && end !== null && new Date(end) > new Date(), read.data);
  const refused = await client.GET("/api/admin/licenses", { params: { query: { limit: 500 } } });
  const problem: components["schemas"]["Problem"] | undefined = refused.error;
  expect(problem?.code === "VALIDATION_FAILED" && problem.errors?.[0]?.pointer === "?limit", refused);
  console.log("well");
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
