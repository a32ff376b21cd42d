// A test of a retry policy around Node's fetch against a recorded outage: without it users see failures, with it none.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

const [lapse, run] = process.argv.slice(2);
const args = ["replay", run, "--listen", "127.0.0.1:0", "--start", "asked", "--from", "6.3s", "--to", "11s"];
args.push("--expect", "user-failures=0,succeeded>=200,amplification<=1.5");

function line(lines, expected) {
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

async function ask(url, retries) {
  // All attempts at one request have its key.
  const key = randomUUID();
  for (let attempt = 0; ; attempt += 1) {
    try {
      const headers = { connection: "close", "idempotency-key": key };
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(300) });
      await response.text();
      if (response.ok) return 0;
    } catch {
      // Refused, reset, closed or timed out.
    }
    if (attempt === retries) return 1;
    await pause(50 * 2 ** attempt);
  }
}

// How many of 200 requests fail in the outage, and the gate's exit code.
async function failures(retries) {
  const replay = spawn(lapse, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise((resolve) => replay.on("exit", resolve));
  const lines = createInterface({ input: replay.stdout });
  try {
    const [, url] = await line(lines, /^listening at (\S+),/);
    // The gate judges a replay that was played to its end.
    const over = line(lines, /^over/);
    await (await fetch(`${url}-/start`, { method: "POST" })).text();
    const one = async (nth) => {
      await pause(nth * 10);
      return ask(url, retries);
    };
    const all = await Promise.all(Array.from({ length: 200 }, (_, nth) => one(nth)));
    await over;
    return { failed: all.reduce((sum, failed) => sum + failed, 0), code: (replay.kill("SIGTERM"), await exited) };
  } finally {
    replay.kill("SIGTERM");
  }
}

const without = await failures(0);
// The pauses add up to more than the two seconds that the outage lasts.
const retried = await failures(6);
console.log(`fetch: ${without.failed} of 200 requests failed without retries, ${retried.failed} with them`);
assert.ok(without.failed >= 20, `${without.failed}`);
assert.equal(without.code, 1);
assert.deepEqual(retried, { failed: 0, code: 0 });
