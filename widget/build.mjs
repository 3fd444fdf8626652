// Bundles one widget module to standard output: node build.mjs src/main.js iife
//
// src/main.js iife   reads the free identifier CONSENT_CONFIG that the server wraps around it
// src/second.js esm  loaded with import() when a second layer is needed
//
// consent_server/assets.py calls it for both and keeps the results.
import { build, transform } from "esbuild";
import { readFile } from "node:fs/promises";

const [entry, format] = process.argv.slice(2);
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

// Names of our own between the two modules, which no browser, server or page reads. Both builds shorten them alike.
const internal =
  "enqueue firstLayer flush granted honourSignal isOn judge openPreferences policyUrl readRecord recover reread scan settled shown signalled stale writeRecord";
const shortened = Object.fromEntries(internal.split(" ").map((name, index) => [name, `$${index.toString(36)}`]));

const { outputFiles } = await build({
  entryPoints: [entry],
  format,
  target,
  bundle: true,
  minify: true,
  mangleProps: new RegExp(`^(${Object.keys(shortened).join("|")})$`),
  mangleCache: shortened,
  write: false,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  plugins: [stylesAsText],
});
process.stdout.write(outputFiles[0].contents);
