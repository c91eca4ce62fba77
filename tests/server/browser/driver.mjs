// Runs phones in pages of Debian's Chromium. Commands come in and answers and events go out as lines of JSON:
//   {"id": 1, "do": "open", "page": "alice", "library": "jssip"}    a page with a phone of that library
//   {"id": 2, "do": "run", "page": "alice", "function": "call", "with": ["sip:bob@example.test"]}    window.phone.call(...)
//   {"id": 3, "do": "kill", "page": "alice"}     the page's process dies at once; "close" closes the page in good order
//   {"id": 4, "do": "stop"}                      the browser ends, and so does this
//   {"id": 1, "value": ...} or {"id": 1, "error": "..."}; {"page": "alice", "event": "registered", ...}
// Usage: node driver.mjs FOLDER_OF_MODULES   (browser-modules with node_modules in it; the bundles are written there)
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.resolve(process.argv[2]);
const require = createRequire(path.join(modules, "package.json"));
const { chromium } = require("playwright-core");
const esbuild = require("esbuild");

const libraries = ["jssip", "sipjs"];
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
  // ICE between two pages of one machine: candidates with real loopback addresses.
  "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns",
  "--ignore-certificate-errors",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
];

const started = Date.now();
const say = (line) => process.stdout.write(JSON.stringify({ ...line, at: (Date.now() - started) / 1000 }) + "\n");
process.stdout.on("error", () => process.exit(1)); // nobody reads any more

async function bundle() {
  await esbuild.build({
    entryPoints: libraries.map((name) => path.join(here, `${name}.js`)),
    outdir: path.join(modules, "bundle"),
    nodePaths: [path.join(modules, "node_modules")],
    bundle: true,
    define: { global: "window" },
    logLevel: "error",
  });
}

/** Pages come from an http origin on loopback: there getUserMedia works, and the WebSocket has an Origin. */
function servePages() {
  const server = http.createServer((request, response) => {
    const name = libraries.find((library) => request.url.startsWith(`/${library}.`));
    if (name && request.url.endsWith(".js")) {
      response.setHeader("Content-Type", "text/javascript");
      fs.createReadStream(path.join(modules, "bundle", `${name}.js`)).pipe(response);
    } else if (name) {
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(`<!doctype html><title>${name}</title><body><script src="/${name}.js"></script>`);
    } else {
      response.statusCode = request.url === "/favicon.ico" ? 204 : 404;
      response.end();
    }
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

await bundle();
const server = await servePages();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  headless: true,
  args: flags,
});
const pages = new Map();

const actions = {
  async open({ page: name, library }) {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    page.on("console", (message) => message.type() === "error" && say({ page: name, event: "console", text: message.text() }));
    page.on("pageerror", (error) => say({ page: name, event: "console", text: String(error) }));
    for (const end of ["crash", "close"]) page.on(end, () => say({ page: name, event: `page ${end}` }));
    await page.exposeFunction("tellDriver", (event) => say({ page: name, ...event }));
    await page.goto(`http://127.0.0.1:${server.address().port}/${library}.html`);
    pages.set(name, page);
    return { origin: `http://127.0.0.1:${server.address().port}`, library: await page.evaluate(() => window.phone.library) };
  },
  async run({ page: name, function: called, with: parameters = [] }) {
    const run = ([called, parameters]) => Promise.resolve(window.phone[called](...parameters)).then((value) => value ?? null);
    return pages.get(name).evaluate(run, [called, parameters]);
  },
  async kill({ page: name }) {
    const page = pages.get(name);
    const session = await page.context().newCDPSession(page);
    const gone = page.waitForEvent("crash");
    session.send("Page.crash").catch(() => {}); // no answer comes from the dead
    await gone;
    pages.delete(name);
  },
  async close({ page: name }) {
    await pages.get(name).context().close();
    pages.delete(name);
  },
  async stop() {
    await browser.close();
    server.close();
  },
};

say({ event: "ready", browser: browser.version() });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  const done = actions[command.do](command).then(
    (value) => say({ id: command.id, value: value ?? null }),
    (error) => say({ id: command.id, error: String(error.message ?? error) }),
  );
  if (command.do === "stop") {
    await done;
    process.exit(0);
  }
}
await browser.close();
process.exit(0);
