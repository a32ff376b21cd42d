// A test of a retry policy around Node's fetch against a recorded outage: without it users see failures, with it none.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const [lapse, run] = process.argv.slice(2);
const args = ["replay", run, "--listen", "127.0.0.1:0", "--start", "asked", "--from", "6.3s", "--to", "9s"];
const replay = spawn(lapse, args, { stdio: ["ignore", "pipe", "inherit"] });
const exited = new Promise((resolve) => replay.on("exit", resolve));
const lines = createInterface({ input: replay.stdout });

function line(expected) {
  return new Promise((resolve) => {
    const read = (line) => {
      const found = line.match(expected);
      if (!found) return;
      lines.off("line", read);
      resolve(found);
    };
    lines.on("line", read);
  });
}

const [, url] = await line(/^listening at (\S+),/);

async function ask(retries) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const options = { headers: { connection: "close" }, signal: AbortSignal.timeout(300) };
      const response = await fetch(url, options);
      await response.text();
      if (response.ok) return 0;
    } catch {
      // Refused, reset, closed or timed out.
    }
    if (attempt === retries) return 1;
    await pause(50 * 2 ** attempt);
  }
}

async function failures(retries) {
  await (await fetch(`${url}-/start`, { method: "POST" })).text();
  const one = async (nth) => {
    await pause(nth * 10);
    return ask(retries);
  };
  const all = await Promise.all(Array.from({ length: 200 }, (_, nth) => one(nth)));
  return all.reduce((sum, failed) => sum + failed, 0);
}

try {
  const over = line(/^over/);
  const without = await failures(0);
  // Only where the port is open again can a request start the replay again.
  await over;
  // The pauses add up to more than the two seconds that the outage lasts.
  const retried = await failures(6);
  console.log(`fetch: ${without} of 200 requests failed without retries, ${retried} with them`);
  assert.ok(without >= 20, `${without}`);
  assert.equal(retried, 0);
} finally {
  replay.kill("SIGTERM");
}
assert.equal(await exited, 0);
