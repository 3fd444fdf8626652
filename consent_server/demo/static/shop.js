// The shop's own script (necessary): the status panel, the reader's account, the receipt. It works without the tag.
const words = JSON.parse(document.querySelector("#words").textContent);
const { server, signedIn } = document.body.dataset;
const $ = (selector) => document.querySelector(selector);
const consent = () => window.Consent;

// ---- What runs on this page ----
let receiptWanted = false;
const OPTIONAL_STORAGE = ["lm_visitor", "lm_page", "pp_ref", "lb_shelf"];
const ran = (purpose) =>
  purpose === "maps"
    ? $("iframe.map").getAttribute("src")?.startsWith("/map/") && !$("iframe.map").hidden
    : (window.lanternRan ?? []).includes(purpose);

const stateOf = (purpose, on) => {
  if (on && ran(purpose)) return "running";
  return ran(purpose) ? "stopping" : "blocked";
};

const stored = () => {
  const cookies = document.cookie.split("; ").map((pair) => pair.split("=")[0]);
  return OPTIONAL_STORAGE.filter((name) => cookies.includes(name) || localStorage.getItem(name) !== null);
};

const refresh = () => {
  const now = consent()?.get();
  for (const row of document.querySelectorAll("[data-purpose]")) {
    const { purpose } = row.dataset;
    if (purpose === "necessary") continue;
    const state = stateOf(purpose, now?.purposes[purpose]);
    if (row.dataset.state === state) continue;
    row.dataset.state = state;
    row.querySelector("output").textContent = words.states[state];
  }
  if (!now?.purposes.recommendations) $("#picked").hidden = true;
  const version = now ? `${now.version}${now.decided ? "" : ` · ${words.undecided}`}` : words.unreachable;
  if ($("#version").textContent !== version) $("#version").textContent = version;
  const found = stored().join(", ") || words.none;
  if ($("#cookies").textContent !== found) $("#cookies").textContent = found;
  if (now) $("#policy").href = $("#policy").href.replace(/privacy\/[^?]*/, `privacy/${now.version}`);
  if (receiptWanted) showReceipt();
};
document.addEventListener("lantern:ran", refresh);
document.addEventListener("consent:change", refresh);
setInterval(refresh, 300); // cookies and frames tell nobody when they come and go
refresh();

// ---- The reader's account: the shop's server vouches for its reader ----
const show = (reader, text) => {
  $("#reader").textContent = text;
  $("#sign-in").hidden = reader;
  $("#sign-out").hidden = !reader;
};

const signIn = async () => {
  const answer = await fetch("/session", { method: "POST" });
  const { token } = await answer.json();
  const known = await consent()?.identify(token).catch(() => false);
  show(true, known ? words.signed_in : `${words.signed_in} · ${consent() ? words.refused : words.unreachable}`);
};

$("#sign-in").addEventListener("click", signIn);
$("#sign-out").addEventListener("click", async () => {
  await fetch("/session", { method: "DELETE" });
  await consent()?.identify(null).catch(() => false);
  show(false, words.signed_out);
});
if (signedIn === "true") signIn();

// ---- The receipt ----
const claims = (receipt) =>
  new TextDecoder().decode(
    Uint8Array.from(atob(receipt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)),
  );

/** A choice holds at once, its receipt comes when the server has stored it: until then, say so and look again. */
function showReceipt() {
  const found = consent()?.receipt();
  receiptWanted = !found && !!consent()?.get().decided;
  $("#receipt-text").hidden = !found;
  $("#verdict").textContent = found ? "" : receiptWanted ? words.receipt_coming : words.receipt_none;
  if (found) $("#receipt-text").textContent = JSON.stringify(JSON.parse(claims(found.receipt)), null, 2);
}

$("#show-receipt").addEventListener("click", showReceipt);

$("#verify-receipt").addEventListener("click", async () => {
  const found = consent()?.receipt();
  if (!found) return showReceipt();
  try {
    const answer = await fetch(`${server}/v1/receipts/verify`, {
      method: "POST",
      body: JSON.stringify({ receipt: found.receipt }),
    });
    const { valid, checks } = await answer.json();
    const reasons = checks.map(({ ok, detail }) => `${ok ? "✓" : "✗"} ${detail}`);
    $("#verdict").textContent = [valid ? words.valid : words.invalid, ...reasons].join("\n");
  } catch {
    $("#verdict").textContent = words.unreachable;
  }
});
