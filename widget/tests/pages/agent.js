// A consent agent as an extension would inject it. `with` is "heuristics", "heuristics-zh" or "rule"; `action` optOut or optIn.
import AutoConsent from "../../node_modules/@duckduckgo/autoconsent/lib/web.ts";
import * as patterns from "../../node_modules/@duckduckgo/autoconsent/lib/heuristic-patterns.ts";
import rule from "../../../docs/agents/autoconsent.json";
import chinese from "../../../docs/agents/autoconsent-zh.json";

window.runAgent = (means, action) => {
  if (means === "heuristics-zh")
    for (const [list, kind] of [["DETECT", "detect"], ["REJECT", "reject"], ["SETTINGS", "settings"], ["ACCEPT", "accept"]])
      patterns[`${list}_PATTERNS`].push(...chinese[kind].map((text) => new RegExp(text, kind === "detect" ? "gi" : "i")));
  return new Promise((resolve) => {
    const heard = [];
    const agent = new AutoConsent(async (message) => {
      heard.push(message);
      if (message.type === "autoconsentDone" || message.type === "autoconsentError" || (message.type === "optInResult" && !message.result)) resolve(heard);
    });
    const config = {
      enabled: true, autoAction: action, isMainWorld: true, enableHeuristicDetection: true, detectRetries: 20,
      heuristicMode: means === "rule" ? "off" : "reject", logs: {},
    };
    agent.initialize(config, { autoconsent: means === "rule" ? [rule] : [] });
  });
};
