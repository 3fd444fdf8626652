// Answers a batch of generated lives with the widget's rules: JSON on stdin, JSON on stdout.
import { readFileSync } from "node:fs";

import { needsReconsent } from "../../widget/src/reconsent.js";
import { deriveState, effective } from "../../widget/src/state.js";

const lives = JSON.parse(readFileSync(0, "utf8"));
const answers = lives.map(({ versions, decisions, seen, now, profile, signal }) => {
  let state = null;
  for (const decision of decisions) state = deriveState(state, decision, versions);
  if (state && seen) state = { ...state, seen };
  return {
    state,
    delta: needsReconsent(state, versions, now, profile),
    on: effective(state, versions, now, profile, signal),
  };
});
process.stdout.write(JSON.stringify(answers));
