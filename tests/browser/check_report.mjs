// Opens a report of `zsr compare` in headless Chromium: it must load without an error, the divider must move by keyboard,
// every table must sort by click, both pictures must zoom alike, nothing may be fetched, and axe must find no serious
// fault. The overview of a benchmark has tables and links alone; every link must lead to a file.
//   node tests/browser/check_report.mjs REPORT.html AXE.min.js
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const [report, axe] = process.argv.slice(2);
if (!axe) {
  console.error("usage: check_report.mjs REPORT.html AXE.min.js");
  process.exit(2);
}

const probe = `
(async () => {
  const result = { errors: window.__errors };
  const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  const slider = document.querySelector("img-comparison-slider");
  for (let i = 0; slider && i < 50 && document.body.dataset.ready !== "yes"; ++i) await wait(50);
  result.ready = !slider || document.body.dataset.ready === "yes";
  result.links = [...document.querySelectorAll("a[href]")].map((link) => link.getAttribute("href"));
  if (slider) {
  const before = Number(slider.value);
  slider.focus();
  for (let i = 0; i < 5; ++i) {
    slider.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    await wait(60);
  }
  slider.dispatchEvent(new KeyboardEvent("keyup", { key: "ArrowRight", bubbles: true }));
  result.slider = [before, Number(slider.value)];
  document.getElementById("zoom-in").click();
  await wait(400);
  result.zoom = ["image-left", "image-right"].map((id) => document.getElementById(id).style.transform);
  document.getElementById("zoom-reset").click();
  await wait(400);
  }
  result.tables = [];
  for (const table of document.querySelectorAll("table.sortable")) {
    const rows = () => [...table.querySelectorAll("tbody tr")].map((row) => row.textContent).join();
    const head = table.querySelector("thead th");
    head.click();
    await wait(20);
    const once = rows();
    head.click();
    await wait(20);
    result.tables.push([once, rows()]);
  }
  result.fetched = performance.getEntriesByType("resource").map((entry) => entry.name).filter((name) => !name.startsWith("data:"));
  const found = await axe.run();
  result.axe = found.violations.filter((one) => ["serious", "critical"].includes(one.impact))
    .map((one) => one.id + ": " + one.nodes.map((node) => node.target.join(" ")).join(", "));
  const out = document.createElement("script");
  out.type = "application/json";
  out.id = "checked";
  out.textContent = JSON.stringify(result);
  document.body.append(out);
})();`;

const page = readFileSync(report, "utf8")
  .replace("<head>", "<head><script>window.__errors = []; addEventListener('error', (e) => __errors.push(e.message));" +
           "addEventListener('unhandledrejection', (e) => __errors.push(String(e.reason)));</script>")
  .replace("</body>", () => `<script>${readFileSync(axe, "utf8")}</script><script>${probe}</script></body>`);
const file = join(mkdtempSync(join(tmpdir(), "zsr-report-")), "report.html");
writeFileSync(file, page);

const faults = [];
for (const [name, flags] of [["light", []], ["dark", ["--blink-settings=preferredColorScheme=0"]], ["phone", ["--window-size=390,844"]]]) {
  const dom = execFileSync("chromium", ["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
    "--virtual-time-budget=20000", ...flags, `file://${file}`], { encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "ignore"] });
  const match = dom.match(/<script type="application\/json" id="checked">(.*?)<\/script>/s);
  if (!match) {
    faults.push(`${name}: the page did not come to its end`);
    continue;
  }
  const found = JSON.parse(match[1]);
  if (!found.ready || found.errors.length > 0) faults.push(`${name}: errors: ${found.errors.join("; ") || "not ready"}`);
  if (found.slider && !(found.slider[1] > found.slider[0])) faults.push(`${name}: the divider did not move: ${found.slider}`);
  if (found.tables.length === 0) faults.push(`${name}: no table`);
  for (const [once, twice] of found.tables) if (once === twice) faults.push(`${name}: a table did not sort: ${once}`);
  for (const link of found.links) if (!existsSync(join(dirname(report), link))) faults.push(`${name}: ${link} leads nowhere`);
  if (found.zoom && (found.zoom[0] !== found.zoom[1] || !found.zoom[0].includes("scale("))) faults.push(`${name}: the zooms differ: ${found.zoom.join(" | ")}`);
  if (found.fetched.length > 0) faults.push(`${name}: fetched ${found.fetched.join(", ")}`);
  for (const fault of found.axe) faults.push(`${name}: axe: ${fault}`);
}
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? "the report stands: light, dark, phone" : `${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);
