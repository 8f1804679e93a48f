"use strict";
// Text from specs only ever becomes text: nothing here parses HTML.

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function pairs(list) {
  const made = element("dl");
  for (const [name, value] of list) made.append(element("dt", name), element("dd", value));
  return made;
}

function opTable(ops, names) {
  const table = element("table"), head = element("tr"), body = element("tbody");
  for (const name of ["op", "shape", "multiply-adds"]) {
    const cell = element("th", name, name === "op" ? "" : "number");
    cell.scope = "col";
    head.append(cell);
  }
  for (const [path, op, shape, macs] of ops) {
    const row = element("tr"), first = element("td", names[op]);
    first.title = names[path];
    row.append(first, element("td", shape.join(" × "), "number"),
      element("td", macs ? macs.toLocaleString("en") : "", "number"));
    body.append(row);
  }
  const top = element("thead");
  top.append(head);
  table.append(top, body);
  return table;
}

function section(root) {
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const svg = root.querySelector(".diagram svg"), card = root.querySelector(".card");
  const boxes = new Map([...svg.querySelectorAll("[data-name]")].map(box => [box.dataset.name, box]));
  const arrows = [...svg.querySelectorAll("[data-from]")];
  const rows = new Map([...root.querySelectorAll("tr[data-row]")].map(row => [row.dataset.row, row]));
  const order = [...boxes.keys()];
  let pinned = null;

  function show(name) {
    const node = data.nodes[name];
    const words = boxes.get(name).getAttribute("aria-label");
    const cost = node.cost.map((amount, i) => [data.costs[i], amount]);
    const readers = arrows.filter(arrow => arrow.dataset.from === name && boxes.has(arrow.dataset.to));
    const readBy = [...new Set(readers.map(arrow => arrow.dataset.to))].map(reader => [reader, ""]);
    card.replaceChildren(element("h3", name), element("p", words, "muted"), pairs(node.fields));
    const usual = cost.slice(0, 4), others = element("details");
    others.append(element("summary", "other conventions"), pairs(cost.slice(4)));
    for (const [title, list] of [["cost", usual], ["reads", node.inputs], ["read by", readBy]]) {
      if (list.length) card.append(element("h4", title), pairs(list));
      if (list.length && list === usual) card.append(others);
    }
    if (node.ops.length) card.append(element("h4", "ops"), opTable(node.ops, data.names));
  }

  // Everything a block depends on, or that depends on it.
  function reach(start, from, to) {
    const found = new Set([start]), waiting = [start];
    while (waiting.length) {
      const name = waiting.pop();
      for (const arrow of arrows) {
        const next = arrow.dataset[to];
        if (arrow.dataset[from] === name && !found.has(next)) {
          found.add(next);
          waiting.push(next);
        }
      }
    }
    return found;
  }

  function pin(name) {
    pinned = pinned === name ? null : name;
    const before = pinned && reach(pinned, "to", "from"), after = pinned && reach(pinned, "from", "to");
    for (const [other, box] of boxes) {
      box.classList.toggle("pinned", other === pinned);
      box.setAttribute("aria-pressed", String(other === pinned));
      box.classList.toggle("faded", Boolean(pinned) && !before.has(other) && !after.has(other));
    }
    for (const arrow of arrows) {
      const { from, to } = arrow.dataset;
      const on = pinned && ((before.has(from) && before.has(to)) || (after.has(from) && after.has(to)));
      arrow.classList.toggle("faded", Boolean(pinned) && !on);
      arrow.classList.toggle("lit", Boolean(pinned) && (from === pinned || to === pinned));
    }
    for (const [other, row] of rows) row.classList.toggle("lit", other === pinned);
    if (pinned) show(pinned);
  }

  for (const [name, box] of boxes) {
    box.setAttribute("aria-pressed", "false");
    box.addEventListener("mouseenter", () => pinned || show(name));
    box.addEventListener("focus", () => pinned || show(name));
    box.addEventListener("click", () => pin(name));
    box.addEventListener("keydown", event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === "Enter" || event.key === " ") pin(name);
      else if (event.key === "Escape") { if (pinned) pin(pinned); }
      else if (step) boxes.get(order[(order.indexOf(name) + step + order.length) % order.length]).focus();
      else return;
      event.preventDefault();
    });
  }

  root.querySelector(".metric").addEventListener("change", event => {
    const chosen = data.metrics[event.target.value];
    for (const [name, box] of boxes) {
      const note = box.querySelector("text:last-of-type"), value = chosen && chosen.values[name];
      if (note.dataset.first === undefined) note.dataset.first = note.textContent;
      note.textContent = value ? value[2] : note.dataset.first;
      for (const shape of box.querySelectorAll(".box")) shape.style.fill = value ? value[0] : "";
      for (const text of box.querySelectorAll("text")) text.style.fill = value ? value[1] : "";
    }
    root.querySelector(".scale").textContent = chosen ? chosen.scale : "";
  });

  root.querySelector(".convention").addEventListener("change", event => {
    const wanted = event.target.value;
    for (const cell of root.querySelectorAll("[data-choice]")) {
      cell.hidden = Boolean(wanted) && cell.dataset.choice !== wanted;
    }
  });

  root.querySelector(".filter").addEventListener("input", event => {
    const wanted = event.target.value.trim().toLowerCase();
    let count = 0;
    for (const [name, row] of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
      const box = boxes.get(name);
      if (box) box.classList.toggle("faded", row.hidden);
    }
    root.querySelector(".found").textContent = wanted ? `${count} of ${rows.size}` : "";
  });

  const width = svg.viewBox.baseVal.width, height = svg.viewBox.baseVal.height;
  const stage = root.querySelector(".diagram");
  let zoom = 1;
  function zoomTo(value) {
    zoom = Math.min(4, Math.max(0.1, value));
    svg.style.maxWidth = "none";
    svg.style.width = `${zoom * width}px`;
    svg.style.height = `${zoom * height}px`;
  }
  root.querySelector(".closer").addEventListener("click", () => zoomTo(zoom * 1.25));
  root.querySelector(".farther").addEventListener("click", () => zoomTo(zoom / 1.25));
  root.querySelector(".whole").addEventListener("click", () => zoomTo((stage.clientWidth - 2) / width));
  zoomTo(Math.min(1, (stage.clientWidth - 2) / width));
}

function sortable(table) {
  const headers = [...table.querySelectorAll("thead th")];
  headers.forEach((header, column) => header.querySelector("button").addEventListener("click", () => {
    const descending = header.getAttribute("aria-sort") === "descending";
    const sign = descending ? 1 : -1, body = table.tBodies[0];
    for (const other of headers) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", descending ? "ascending" : "descending");
    const number = header.classList.contains("number");
    const shown = cell => number ? cell.textContent.replaceAll(",", "") : cell.textContent;
    const key = row => row.cells[column].dataset.value ?? shown(row.cells[column]);
    const compare = (a, b) => number ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b), "en", { numeric: true });
    body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
  }));
}

document.querySelectorAll("section.spec").forEach(section);
document.querySelectorAll("table.sortable").forEach(sortable);
document.getElementById("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
});
