#!/usr/bin/env bash
# Finding:  under row-level security, Postgres reads no index by a condition over COALESCE(…), and does so by the same
#           condition written with CASE: before a policy was checked it evaluates only what it knows to tell nothing of other
#           rows, and CASE is among the expressions that it knows and COALESCE is not. The index is still walked for its
#           order, so that no sequential scan gives it away.
# Versions: @electric-sql/pglite 0.5.17 (Postgres in WebAssembly, 2026); the same in PostgreSQL 15.18
# Guess:    an index over an expression serves a condition over that expression, whoever asks, where the comparison itself
#           is leakproof, as that of timestamptz is.
# Seen:     the owner, coalesce: by the index
#           the owner, case: by the index
#           a reader under a policy, coalesce: row by row
#           a reader under a policy, case: by the index
# So here:  ends of licenses are indexed and compared by CASE (`migrations/0030_ends_by_case.sql`): a page of those that end
#           soon, of a million, took 1 s and takes less than 1 ms.
set -euo pipefail

command -v npm >/dev/null || { echo "npm cannot be had"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-fund --no-audit --prefix . @electric-sql/pglite@0.5.17 >log 2>&1 ||
    { cat log; echo "the package cannot be had"; exit 77; }
cat > finding.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite";

const database = new PGlite();
const ends = {
    coalesce: "coalesce(ends, timestamptz '9999-12-31 00:00+00')",
    case: "(CASE WHEN ends IS NULL THEN timestamptz '9999-12-31 00:00+00' ELSE ends END)",
};
await database.exec(`
    CREATE TABLE things (tenant text NOT NULL, ends timestamptz);
    INSERT INTO things SELECT 'a', timestamptz '2026-01-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 20000) AS i;
    CREATE INDEX ON things (tenant, ${ends.coalesce});
    CREATE INDEX ON things (tenant, ${ends.case});
    ANALYZE things;
    ALTER TABLE things ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON things USING (tenant = current_setting('things.tenant', true));
    CREATE ROLE reader;
    GRANT SELECT ON things TO reader;
    SET things.tenant = 'a';`);
for (const [who, role] of [["the owner", "RESET ROLE"], ["a reader under a policy", "SET ROLE reader"]]) {
    await database.exec(role);
    for (const [name, expression] of Object.entries(ends)) {
        const { rows } = await database.query(`EXPLAIN SELECT FROM things WHERE tenant = 'a'
            AND ${expression} >= timestamptz '2026-01-05 00:00+00' ORDER BY ${expression} LIMIT 10`);
        const condition = rows.map((row) => row["QUERY PLAN"]).find((line) => line.includes("Index Cond")) ?? "";
        console.log(`${who}, ${name}: ${condition.includes("2026-01-05") ? "by the index" : "row by row"}`);
    }
}
await database.close();
JS
seen=$(node finding.mjs)
echo "$seen"
expected='the owner, coalesce: by the index
the owner, case: by the index
a reader under a policy, coalesce: row by row
a reader under a policy, case: by the index'
[ "$seen" = "$expected" ] || { echo "this has changed"; exit 1; }
