"use strict";

// Everything shown came from the network at some point: it is only ever put in as text, never as markup.

const refreshEvery = 2000;
const byId = (id) => document.getElementById(id);

async function ask(path) {
  const response = await fetch("/api/v1/" + path, { cache: "no-store" });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

function element(name, text) {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text === null || text === "" ? "-" : String(text);
  return node;
}

function showPairs(list, pairs) {
  list.replaceChildren(...Object.entries(pairs)
    .filter(([, value]) => typeof value !== "object")
    .map(([name, value]) => {
      const pair = element("div");
      pair.append(element("dt", name.replaceAll("_", " ")), element("dd", value));
      return pair;
    }));
}

function showRows(table, rows) {
  if (rows.length === 0) {
    const row = element("tr");
    row.append(element("td", "none"));
    row.firstChild.className = "none";
    table.replaceChildren(row);
    return;
  }
  const columns = Object.keys(rows[0]);
  const heading = element("tr");
  heading.append(...columns.map((name) => element("th", name)));
  table.replaceChildren(heading, ...rows.map((values) => {
    const row = element("tr");
    row.append(...columns.map((name) => element("td", values[name])));
    return row;
  }));
}

function say(good, text) {
  const state = byId("state");
  state.textContent = text;
  state.className = good ? "good" : "bad";
}

async function refresh() {
  try {
    const filter = byId("filter").value.trim();
    const [status, bindings, transactions] = await Promise.all([
      ask("status"),
      ask("bindings/list" + (filter ? "?filter=" + encodeURIComponent(filter) : "")),
      ask("transactions"),
    ]);
    showPairs(byId("status"), status);
    showRows(byId("bindings"), bindings);
    showRows(byId("sips"), transactions.sips);
    showRows(byId("sipc"), transactions.sipc);
    say(true, "running");
  } catch (error) {
    say(false, error instanceof TypeError ? "no answer from the server" : error.message);
  }
}

async function keepRefreshing() {
  if (!document.hidden) await refresh();
  setTimeout(keepRefreshing, refreshEvery);
}

byId("filter").addEventListener("input", refresh);
keepRefreshing();
