// Visitors on failing networks, with the widget's own modules: node delivery.mjs, its orders as JSON on the first line of
// standard input. It writes `kill` where the server is to be killed, reads `up` when it is back, and at the end writes what
// every visitor decided. Time runs faster here than in a browser; nothing else is different.
import { AsyncLocalStorage } from "node:async_hooks";
import { createInterface } from "node:readline";

import { createConsent } from "../../widget/src/consent.js";
import { createStorage } from "../../widget/src/storage.js";
import { createTransport } from "../../widget/src/transport.js";

const FASTER = 400;
const PATIENCE = 120_000; // milliseconds until what is still queued counts as lost
const realFetch = globalThis.fetch;
const realTimeout = globalThis.setTimeout;
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { api, origin, site, version, purposes, build, seed, schedules, kills } = JSON.parse((await lines.next()).value);
const config = { api, site, currentVersion: version, purposeKeys: purposes, build, region: "opt_in", days: 180 };
const sleep = (milliseconds) => new Promise((resolve) => realTimeout(resolve, milliseconds));

/** Mulberry32: small, seeded, good enough to draw schedules. */
const randomOf = (number) => {
  let state = number;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** The page that runs; what is a browser's own belongs to it. @type {AsyncLocalStorage<Page>} */
const current = new AsyncLocalStorage();
const page = () => current.getStore();
const own = (name, get) => Object.defineProperty(globalThis, name, { get, configurable: true });
own("localStorage", () => page().visitor.store);
own("document", () => page().visitor.document);
own("CONSENT_COOKIES", () => page().visitor.document.cookie); // the build puts the reading here
own("location", () => ({ protocol: "https:" }));
own("navigator", () => ({}));
own("fetch", () => (...request) => page().fetch(...request));
own("setTimeout", () => {
  const at = page(); // none: Node's own
  return at ? (task, delay = 0) => realTimeout(() => at.open && task(), delay / FASTER) : realTimeout;
});

let requests = 0;
let killed = 0;
const faults = {};

const post = async (address, body) => {
  const answer = await realFetch(address, { method: "POST", body, headers: { Origin: origin } });
  return { status: answer.status, text: await answer.text() };
};

class Page {
  open = true;

  constructor(visitor) {
    this.visitor = visitor;
    current.run(this, () => {
      this.storage = createStorage(site, config.days);
      this.transport = createTransport(config, this.storage);
      const { enqueue } = this.transport;
      this.transport.enqueue = (decision) => {
        visitor.decided.push([decision.receipt_id, new Date(decision.decided_at).toISOString()]);
        enqueue(decision);
      };
      this.consent = createConsent(config, this.storage, this.transport, () => "en", () => {});
      this.transport.flush();
    });
  }

  run(task) {
    current.run(this, task);
  }

  /** A page that was left hears of nothing any more, but what it has sent is on its way. */
  async fetch(address, options) {
    const answer = await this.send(address, options).then((found) => () => found, (error) => () => { throw error; });
    if (!this.open) await new Promise(() => {});
    return answer();
  }

  async send(address, options) {
    const { visitor } = this;
    const fault = visitor.fault();
    faults[fault] = (faults[fault] ?? 0) + 1;
    if (fault === "offline") throw new TypeError("Failed to fetch");
    if (fault === "refused") return new Response("{}", { status: [500, 502, 503, 429, 408][Math.floor(visitor.random() * 5)] });
    await sleep(visitor.random() * 10);
    if (++requests >= kills[killed]) {
      killed += 1;
      process.stdout.write("kill\n");
    }
    const { status, text } = await current.exit(() => post(address, options.body));
    if (fault === "unheard") throw new TypeError("Failed to fetch");
    if (fault === "hidden") return new Response("", { status: 504 });
    if (fault === "cut") return new Response(text.slice(0, 40), { status });
    return new Response(text, { status });
  }
}

const createVisitor = (number) => {
  const random = randomOf(seed * 1000 + number);
  const kept = new Map();
  const visitor = {
    random,
    decided: [],
    online: true,
    trouble: random(), // how often something goes wrong
    store: { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, `${value}`) },
    document: { cookie: "" },
    fault: () => {
      if (!visitor.online) return "offline";
      if (random() >= visitor.trouble) return "none";
      return ["offline", "refused", "unheard", "hidden", "cut"][Math.floor(random() * 5)];
    },
  };
  return visitor;
};

const left = (visitor) => JSON.parse(visitor.store.getItem(`consent_${site}_queue`) ?? "[]").length;

/** What one visitor does and meets, drawn at random; at least one decision. */
const live = async (visitor) => {
  const { random } = visitor;
  let tabs = [new Page(visitor)];
  const tab = () => tabs[Math.floor(random() * tabs.length)];
  const close = () => tabs.forEach((each) => (each.open = false));
  const decide = () => tab().run(() => page().consent.decide("banner", purposes.filter(() => random() < 0.5)));
  const acts = [
    decide,
    decide,
    () => { close(); tabs = [new Page(visitor)]; },
    () => { tabs.push(new Page(visitor)); },
    () => { visitor.online = false; },
    () => { visitor.online = true; tabs.forEach((each) => each.run(() => each.transport.flush())); },
    () => { visitor.trouble = random(); },
  ];
  decide();
  for (let step = 0; step < 6; step += 1) {
    await sleep(random() * 40);
    acts[Math.floor(random() * acts.length)]();
  }
  close();
  // All is well again, and the visitor comes back.
  await recovered;
  Object.assign(visitor, { online: true, trouble: 0 });
  for (const until = Date.now() + PATIENCE; left(visitor) && Date.now() < until; await sleep(20)) {
    close();
    tabs = [new Page(visitor)];
    for (let looks = 0; looks < 50 && left(visitor); looks += 1) await sleep(20);
  }
  return { id: JSON.parse(visitor.store.getItem(`consent_${site}`)).id, decided: visitor.decided, left: left(visitor) };
};

let recover;
const recovered = new Promise((resolve) => (recover = resolve));
const visitors = Array.from({ length: schedules }, (_, number) => createVisitor(number));
const lives = [];
for (let at = 0; at < visitors.length; at += 1) {
  lives.push(live(visitors[at]));
  await sleep(10);
}
await sleep(500);
for (let up = 0; up < killed; up += 1) await lines.next();
recover();
process.stdout.write(`${JSON.stringify({ lives: await Promise.all(lives), faults, killed })}\n`);
process.exit();
