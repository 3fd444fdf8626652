// Bundles the widget, to standard output:
//
// node build.mjs core      the first module; it reads the free identifier `$` that the server wraps around it
// node build.mjs modules   the modules that are loaded later, by name: {"preferences": "<source>", …}
// node build.mjs sizes     where the bytes are
//
// Fails above the budgets below and says where the bytes are. consent_server/assets.py calls it.
import { build, transform } from "esbuild";
import { minify } from "terser";
import { readFile } from "node:fs/promises";
import { brotliCompressSync, constants } from "node:zlib";

/** What the bundle calls its configuration; the server binds it. */
const CONFIG = "$";
/** What the first module calls the page's cookies, and how it gets them: `bound_core` in consent_server/assets.py. Browsers
 * note who reads them, and to say where that is they parse every function again that stands around the place; here none does,
 * and most pages find the record without them. */
const COOKIES = "_";
const read = (site) => `(()=>{try{return localStorage.consent_${site}?null:document.cookie}catch{}})()`;
/** Bytes after brotli 11. `core` is the whole first response with the configuration in budget.json; `guard` is
 * what it grows by, the list included, on sites that switch it on. */
const BUDGETS = { core: 5120, preferences: 4096, guard: 2560, reporter: 512 };
const MODULES = ["preferences", "second", "frames", "clarity", "uet", "matomo", "meta", "wordpress", "keep", "handover", "dialog", "debug", "guard", "reporter"];
const GUARD = "guard";
/** Stand beside the first module in its response, and share no names with it. */
const BESIDE = [GUARD, "reporter"];
const here = (path) => new URL(path, import.meta.url).pathname;
const target = ["chrome111", "edge111", "firefox115", "safari16.4"];

/** Styles are imported as text, minified, and end in a constructed style sheet. */
const stylesAsText = {
  name: "styles-as-text",
  setup(build) {
    build.onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const css = await transform(await readFile(path, "utf8"), { loader: "css", minify: true, target });
      return { contents: css.code.trim(), loader: "text" };
    });
  },
};

// Names of our own between the modules, which no browser, server or page reads. All builds shorten them alike; the order, which
// gives them their letters, is the one of some hundred tried that weighs least.
const internal =
  "record element config decide cover words storage fill granted transport root readRecord act cards settled answer " +
  "isOn load label firstLayer hide review shown addStyles erase outdated flush show stale write keep signalled " +
  "apply scan policyUrl judge covers reread writeRecord enqueue honourSignal tag list direction DECIDE consent tell " +
  "shared readCookie";
const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"];
const shortened = Object.fromEntries(internal.split(" ").map((name, index) => [name, letters[index] ?? `$${letters[index - 52]}`]));

// The configuration travels as a list, in the order of `wire` in consent_server/banner/configuration.py. Its names become
// places in that list, so that neither names nor their unpacking weigh anything.
const places =
  "site api policyKey build modules region days currentVersion purposeKeys basic packs styles corner google adapters".split(" ");
places.forEach((name, index) => (shortened[name] = `$${index}$`));
const placed = (code) => code.replace(/\.\$(\d+)\$/g, "[$1]").replace(/(?<=[{,])\$(\d+)\$:/g, "$1:");

/** @param {string} name of a file in src/ @param {"iife"|"esm"} format */
const bundle = async (name, format) => {
  const { outputFiles, metafile } = await build({
    absWorkingDir: here("."),
    entryPoints: [`src/${name}.js`],
    format,
    target,
    bundle: true,
    minify: true,
    // Those beside share no names with the others, and read some of these from the page.
    ...(!BESIDE.includes(name) && { mangleProps: new RegExp(`^(${Object.keys(shortened).join("|")})$`), mangleCache: shortened }),
    write: false,
    metafile: true,
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
    plugins: [stylesAsText],
    tsconfigRaw: "{}",
    define: { CONSENT_CONFIG: CONFIG, CONSENT_COOKIES: COOKIES },
    outfile: "bundle.js",
  });
  return { code: placed(outputFiles[0].text), parts: Object.values(metafile.outputs)[0].inputs };
};

/** @param {string} code what the bundler has minified; a second minifier still finds three per cent */
const squeezed = async (code, module) => {
  const options = { compress: { passes: 3, unsafe: true }, mangle: { toplevel: true }, toplevel: true, ecma: 2022, module };
  return (await minify(code, options)).code;
};

const packed = (text) => brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

/** What each file adds to the whole: the whole less what it would weigh without. The bundler names the files in order. */
const table = (text, start, parts) => {
  const whole = Buffer.from(text);
  let at = start;
  const rows = Object.entries(parts).map(([file, { bytesInOutput }]) => {
    const without = Buffer.concat([whole.subarray(0, at), whole.subarray((at += bytesInOutput))]);
    return [file, bytesInOutput, packed(whole) - packed(without)];
  });
  if (at < whole.length - 20) rows.push(["configuration", whole.length - at, packed(whole) - packed(whole.subarray(0, at))]);
  return rows
    .sort((a, b) => b[2] - a[2])
    .map(([file, raw, size]) => `  ${file.padEnd(28)} ${String(raw).padStart(6)} ${String(size).padStart(6)}\n`)
    .join("");
};

/** @param {{name: string, text: string, start: number, parts: object}} built `start`: where the first file begins */
const report = ({ name, size, text, start, parts }) =>
  `${name}: ${size} bytes brotli, budget ${BUDGETS[name] ?? "none"}; by file, raw and what it adds before the last step:\n${table(text, start, parts)}`;

const buildCore = async () => {
  const { code, parts } = await bundle("main", "iife");
  const head = `(function(${CONFIG},${COOKIES}){`;
  const sample = JSON.parse(await readFile(here("budget.json"), "utf8"));
  const start = head.length + code.indexOf("{") + 1;
  const wrapped = (text) => `${head}${text.trim()}})(${JSON.stringify(sample)},${read(sample[0])});`;
  const small = await squeezed(code, false);
  return { name: "core", code: small, size: packed(wrapped(small)), text: wrapped(code), start, parts };
};

/** Every known tracker as it travels when each kind has a purpose. A copy of this folder alone has no list. */
const trackers = async () => {
  const kinds = JSON.parse(await readFile(here("../consent_server/banner/trackers.json"), "utf8").catch(() => "{}"));
  return JSON.stringify(Object.entries(kinds).map(([kind, lists]) => [kind, ...Object.values(lists).map((list) => list.join(" "))]));
};

const buildModule = async (name) => {
  const { code, parts } = await bundle(name, BESIDE.includes(name) ? "iife" : "esm");
  const small = await squeezed(code, !BESIDE.includes(name));
  const whole = name === GUARD ? `${small}${await trackers()}` : small;
  return { name, code: small, size: packed(whole), text: code, start: 0, parts };
};

/** Lets nothing out that weighs more than it may. */
const held = (built) => {
  if (built.size > (BUDGETS[built.name] ?? Infinity)) {
    process.stderr.write(report(built));
    if (!process.env.WIDGET_OVER) process.exit(1);
  }
  return built.code;
};

const [wanted] = process.argv.slice(2);
if (wanted !== "modules") {
  const core = await buildCore();
  process.stdout.write(wanted === "core" ? held(core) : report(core));
}
if (wanted !== "core") {
  const built = [];
  for (const name of MODULES) built.push(await buildModule(name));
  if (wanted === "modules") process.stdout.write(JSON.stringify(Object.fromEntries(built.map((one) => [one.name, held(one)]))));
  else process.stdout.write(built.map(report).join(""));
}
