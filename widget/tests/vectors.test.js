// The shared vectors: tests/reconsent/test_rules.py reads the same files.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { needsReconsent } from "../src/reconsent.js";
import { deriveState, effective } from "../src/state.js";

/** @param {string} name */
const read = (name) =>
  JSON.parse(readFileSync(new URL(`../../tests/vectors/${name}.json`, import.meta.url), "utf8"));

/** @type {Record<string, (c: any, versions: any) => unknown>} */
const rules = {
  needs_reconsent: (c, versions) => needsReconsent(c.state, versions, c.now, c.profile),
  derive_state: (c, versions) => deriveState(c.previous, c.decision, versions),
  effective: (c, versions) => effective(c.state, versions, c.now, c.profile, c.signal),
};

for (const file of ["reconsent", "state"]) {
  const { histories, cases } = read(file);
  for (const c of cases)
    test(c.name, () => {
      const before = JSON.stringify([c, histories]);

      const answer = rules[c.rule ?? "needs_reconsent"](c, histories[c.history]);

      assert.deepEqual(answer, c.expect);
      assert.equal(JSON.stringify([c, histories]), before, "arguments are left as they were");
    });
}
