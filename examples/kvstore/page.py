"""The cluster in a browser: a page that asks once a second, and can change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

Statuses = Callable[[], dict[str, dict[str, Any]]]
"""What each server says of itself, by its name."""

PAGE: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>kvstore</title>
<style>
  body { font: 16px system-ui, sans-serif; margin: 2em; color: #222; background: #fff; }
  table { border-collapse: collapse; }
  th, td { text-align: left; padding: .4em 1em; border-bottom: 1px solid #ddd; }
  td { font-variant-numeric: tabular-nums; }
  .leader { font-weight: bold; }
  .down { color: #a00; }
</style>
<h1>kvstore</h1>
<table>
  <thead><tr><th>server<th>role<th>term<th>log<th>applied<th>applied a second<th>lag<th>reads
    <th>not sent, bytes</tr></thead>
  <tbody id="servers"></tbody>
</table>
<p id="problem" role="status"></p>
<script>
"use strict";
const before = {};
function row(name, shown, lag) {
  const log = shown.role === "down" ? "" : `${shown.first_index}..${shown.last_index}`;
  const now = performance.now();
  const then = before[name];
  let rate = "";
  if (shown.role !== "down") {
    if (then) rate = ((shown.applied - then.applied) * 1000 / (now - then.at)).toFixed(0);
    before[name] = { applied: shown.applied, at: now };
  }
  const queue = Object.values(shown.links || {}).reduce((sum, link) => sum + link.queue, 0);
  const line = document.createElement("tr");
  line.className = shown.role;
  for (const cell of [name, shown.role, shown.term, log, shown.applied, rate, lag, shown.reads,
                      queue]) {
    line.insertCell().textContent = cell ?? "";
  }
  return line;
}
async function refresh() {
  try {
    const servers = await (await fetch("status.json")).json();
    const leaders = Object.values(servers).filter((shown) => shown.role === "leader");
    const lag = leaders.sort((a, b) => b.term - a.term)[0]?.lag ?? {};
    const rows = Object.entries(servers).map(([name, shown]) => row(name, shown, lag[shown.id]));
    document.getElementById("servers").replaceChildren(...rows);
    document.getElementById("problem").textContent = leaders.length ? "" : "nobody leads";
  } catch (error) {
    document.getElementById("problem").textContent = `no answer: ${error.message}`;
  }
  setTimeout(refresh, 1000);
}
refresh();
</script>
</html>
"""


def page_server(host: str, port: int, statuses: Statuses) -> ThreadingHTTPServer:
    """Serves `/` and `/status.json` by `serve_forever`; anything else is 404 or 501."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # as the library calls it
            if self.path == "/":
                self._answer("text/html; charset=utf-8", PAGE.encode())
            elif self.path == "/status.json":
                self._answer("application/json", json.dumps(statuses()).encode())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            policy = "default-src 'none'; script-src 'unsafe-inline'; connect-src 'self'; "
            self.send_header("Content-Security-Policy", f"{policy}style-src 'unsafe-inline'")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Nothing: the page asks every second."""

    return ThreadingHTTPServer((host, port), Handler)
