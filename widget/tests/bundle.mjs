// Bundles a test's entry file for a browser, to standard output: node bundle.mjs ENTRY
import { build } from "esbuild";

const [entry] = process.argv.slice(2);
const { outputFiles } = await build({
  entryPoints: [entry],
  absWorkingDir: new URL("..", import.meta.url).pathname,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  write: false,
  logLevel: "warning",
  alias: { "consent-server-widget": new URL("../loader.js", import.meta.url).pathname },
  nodePaths: [new URL("../node_modules", import.meta.url).pathname],
  jsx: "automatic",
  define: { "process.env.NODE_ENV": '"production"', __VUE_OPTIONS_API__: "true", __VUE_PROD_DEVTOOLS__: "false", __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: "false" },
  tsconfigRaw: "{}",
});
process.stdout.write(outputFiles[0].text);
