"use strict";
// Brings the page to life: zoom, search, fold, and the page of the step that is chosen. Texts are only ever set as text.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const row = (number) => data.rows[number];
  // Inputs are the slot, what is read, and the step that made it or null; all else is pairs of a name and a text.
  const steps = data.steps.map((step) => ({
    ...step, inputs: step.inputs.map(([slot, label, maker]) => [row(slot)[0], label, maker]), settings: step.settings.map(row),
    facts: step.facts.map(row), result: step.result.map(row), origin: step.origin.map(row),
  }));
  const byId = (id) => document.getElementById(id);
  const details = byId("details");
  const hint = [...details.childNodes];

  // ------------------------------------------------------------------------------------------------------- graphs
  // A graph's nodes stand for one step each, or for several that are folded.
  const graphs = Object.entries(data.graphs).map(([name, { nodes, ranks, lines }]) => {
    const svg = byId(name);
    const nodeOf = [];
    nodes.forEach((members, node) => members.forEach((step) => { nodeOf[step] = node; }));
    const parents = nodes.map(() => new Set());
    const children = nodes.map(() => new Set());
    steps.forEach((step, index) => {
      for (const [, , maker] of step.inputs) {
        if (maker === null || nodeOf[maker] === nodeOf[index]) continue;
        parents[nodeOf[index]].add(nodeOf[maker]);
        children[nodeOf[maker]].add(nodeOf[index]);
      }
    });
    const graph = {
      svg, nodes, ranks, nodeOf, parents, children,
      elements: nodes.map((_, node) => byId(`${name}-${node}`)),
      lines: [...svg.querySelectorAll(".lines path")].map((path, line) => ({
        path, from: lines[line][0], to: lines[line][1], rank: lines[line][2],
      })),
      full: { x: 0, y: 0, w: +svg.dataset.width, h: +svg.dataset.height },
      view: null, current: 0, chosen: null,
    };
    graph.elements.forEach((element, node) => {
      element.tabIndex = node === 0 ? 0 : -1;
      element.addEventListener("click", (event) => { event.preventDefault(); chooseNode(graph, node); });
      element.addEventListener("focus", () => { graph.current = node; });
      // A drag must not become a drag of the link.
      element.addEventListener("dragstart", (event) => event.preventDefault());
    });
    svg.addEventListener("keydown", (event) => { if (key(graph, event)) event.preventDefault(); });
    listenToPointer(graph);
    return graph;
  });
  // The last one has every step; one before it is folded, and shown where the box says so.
  const asked = () => byId("fold")?.checked === false ? graphs.at(-1) : graphs[0];
  let graph = asked();
  for (const other of graphs) other.svg.toggleAttribute("hidden", other !== graph);

  // --------------------------------------------------------------------------------------------------------- zoom
  // Fits all of the graph in, no larger than life.
  function fit(graph) {
    const box = graph.svg.getBoundingClientRect();
    if (!box.width) return;
    const { w, h } = graph.full;
    const scale = Math.min(box.width / w, box.height / h, 1.15);
    const [vw, vh] = [box.width / scale, box.height / scale];
    show(graph, { x: (w - vw) / 2, y: (h - vh) / 2, w: vw, h: vh });
  }

  function show(graph, view) {
    graph.view = view;
    // Seen from far away, names are only specks: then nodes are their colours.
    graph.svg.classList.toggle("far", graph.svg.getBoundingClientRect().width / view.w < 0.42);
    graph.svg.setAttribute("viewBox", [view.x, view.y, view.w, view.h].map((n) => Math.round(n * 10) / 10).join(" "));
  }

  // Zooms about a point of the graph, or about the middle.
  function zoom(graph, factor, about) {
    const { x, y, w, h } = graph.view;
    const box = graph.svg.getBoundingClientRect();
    const scale = Math.min(Math.max(box.width / w * factor, 0.02), 4);
    const change = box.width / w / scale;
    const point = about ?? { x: x + w / 2, y: y + h / 2 };
    show(graph, { x: point.x - (point.x - x) * change, y: point.y - (point.y - y) * change, w: w * change, h: h * change });
  }

  function pointAt(graph, event) {
    const box = graph.svg.getBoundingClientRect();
    const { x, y, w, h } = graph.view;
    return { x: x + (event.clientX - box.left) / box.width * w, y: y + (event.clientY - box.top) / box.height * h };
  }

  function listenToPointer(graph) {
    const { svg } = graph;
    let pointers = new Map();
    let moved = false;
    svg.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(graph, Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.004)), pointAt(graph, event));
    }, { passive: false });
    svg.addEventListener("pointerdown", (event) => {
      pointers.set(event.pointerId, event);
      moved = false;
    });
    svg.addEventListener("pointermove", (event) => {
      const last = pointers.get(event.pointerId);
      if (!last) return;
      if (!moved && Math.hypot(event.clientX - last.clientX, event.clientY - last.clientY) < 4) return;
      if (!moved) { moved = true; svg.setPointerCapture(event.pointerId); svg.classList.add("moving"); }
      const others = [...pointers.values()].filter((other) => other.pointerId !== event.pointerId);
      if (others.length) {
        const spread = (a, b) => Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
        zoom(graph, spread(event, others[0]) / Math.max(spread(last, others[0]), 1), pointAt(graph, others[0]));
      } else {
        const [a, b] = [pointAt(graph, last), pointAt(graph, event)];
        show(graph, { ...graph.view, x: graph.view.x + a.x - b.x, y: graph.view.y + a.y - b.y });
      }
      pointers.set(event.pointerId, event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      svg.addEventListener(end, (event) => { pointers.delete(event.pointerId); svg.classList.remove("moving"); });
    }
    // What ends a drag is no click on a step.
    svg.addEventListener("click", (event) => {
      if (moved) { event.preventDefault(); event.stopPropagation(); moved = false; }
    }, true);
  }

  byId("zoom-in").addEventListener("click", () => zoom(graph, 1.4));
  byId("zoom-out").addEventListener("click", () => zoom(graph, 1 / 1.4));
  byId("zoom-fit").addEventListener("click", () => fit(graph));
  window.addEventListener("resize", () => { if (graph.view) fit(graph); });

  // ----------------------------------------------------------------------------------------------------- keyboard
  function key(graph, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const place = (node) => graph.elements[node].transform.baseVal[0].matrix;
    const nearest = (nodes) => {
      const here = place(graph.current).e;
      return [...nodes].sort((a, b) => Math.abs(place(a).e - here) - Math.abs(place(b).e - here))[0];
    };
    const row = graph.nodes.map((_, node) => node).filter((node) => graph.ranks[node] === graph.ranks[graph.current])
      .sort((a, b) => place(a).e - place(b).e);
    const beside = row.indexOf(graph.current);
    switch (event.key) {
      case "ArrowUp": return focus(graph, nearest(graph.parents[graph.current]));
      case "ArrowDown": return focus(graph, nearest(graph.children[graph.current]));
      case "ArrowLeft": return focus(graph, row[beside - 1]);
      case "ArrowRight": return focus(graph, row[beside + 1]);
      case " ": chooseNode(graph, graph.current); return true;
      case "Escape": clear(); return true;
      case "+": case "=": zoom(graph, 1.4); return true;
      case "-": zoom(graph, 1 / 1.4); return true;
      case "0": fit(graph); return true;
      default: return false;
    }
  }

  function focus(graph, node) {
    if (node === undefined) return true;
    graph.elements[graph.current].tabIndex = -1;
    graph.elements[node].tabIndex = 0;
    graph.current = node;
    reveal(graph, node);
    graph.elements[node].focus({ preventScroll: true });
    return true;
  }

  // Moves the view where a node would be outside of it.
  function reveal(graph, node) {
    if (!graph.view) fit(graph);
    const { e, f } = graph.elements[node].transform.baseVal[0].matrix;
    const { x, y, w, h } = graph.view;
    const [width, height] = [200, 60];
    if (e < x || f < y || e + width > x + w || f + height > y + h) {
      show(graph, { ...graph.view, x: e + width / 2 - w / 2, y: f + height / 2 - h / 2 });
    }
  }

  // ------------------------------------------------------------------------------------------------------ choosing
  function reach(start, next) {
    const seen = new Set([start]);
    for (const node of seen) for (const other of next[node]) seen.add(other);
    return seen;
  }

  // Marks a node with all that it was made from and all that was made from it.
  function trace(graph, node) {
    graph.chosen = node;
    const above = node === null ? new Set() : reach(node, graph.parents);
    const below = node === null ? new Set() : reach(node, graph.children);
    graph.svg.classList.toggle("traced", node !== null);
    graph.elements.forEach((element, index) => {
      element.classList.toggle("kin", above.has(index) || below.has(index));
      element.classList.toggle("chosen", index === node);
    });
    const isKin = (from, to) => (above.has(from) && above.has(to)) || (below.has(from) && below.has(to));
    for (const { path, from, to, rank } of graph.lines) {
      const leads = () => [...graph.children[from]].some((child) => graph.ranks[child] > rank && isKin(from, child));
      const carries = () => [...graph.parents[to]].some((parent) => graph.ranks[parent] < rank && isKin(parent, to));
      path.classList.toggle("kin", to === null ? leads() : from === null ? carries() : isKin(from, to));
    }
  }

  function chooseNode(graph, node) {
    const members = graph.nodes[node];
    trace(graph, node);
    focus(graph, node);
    if (members.length === 1) describe(members[0]); else describeGroup(members);
  }

  // Chooses a step wherever it is drawn.
  function choose(step) {
    for (const each of graphs) {
      trace(each, each.nodeOf[step]);
      each.elements[each.current].tabIndex = -1;
      each.current = each.nodeOf[step];
      each.elements[each.current].tabIndex = 0;
    }
    reveal(graph, graph.nodeOf[step]);
    describe(step);
  }

  function clear() {
    for (const each of graphs) trace(each, null);
    document.querySelectorAll("tr.chosen").forEach((row) => row.classList.remove("chosen"));
    details.replaceChildren(...hint);
  }

  // -------------------------------------------------------------------------------------------------- a step's page
  function make(tag, text, ...children) {
    const element = document.createElement(tag);
    if (text) element.textContent = text;
    element.append(...children);
    return element;
  }

  function link(step, text) {
    const element = make("a", text);
    element.href = `#step-${step}`;
    return element;
  }

  function list(title, pairs) {
    if (!pairs.length) return [];
    const dl = make("dl");
    for (const [name, value] of pairs) {
      const dd = make("dd");
      dd.append(value);
      dl.append(make("dt", name), dd);
    }
    return title ? [make("h4", title), dl] : [dl];
  }

  function describe(index) {
    const step = steps[index];
    document.querySelectorAll("tr.chosen").forEach((row) => row.classList.remove("chosen"));
    byId(`step-${index}`)?.classList.add("chosen");
    const readers = steps.flatMap((other, reader) => other.inputs.some((input) => input[2] === index) ? [reader] : []);
    const dot = make("span");
    dot.className = `dot ${data.colors[step.kind]}`;
    const unfolded = readers.slice(0, 12).map((reader) => make("li", "", link(reader, steps[reader].label)));
    if (readers.length > 12) unfolded.push(make("li", `and ${readers.length - 12} more`));
    details.replaceChildren(
      make("h3", step.label), make("p", "", dot, `${step.kind}, made by ${step.operation}`),
      ...list("", step.facts.length && step.kind === "metrics" ? step.facts : []),
      ...list("Made from", step.inputs.map(([slot, label, maker]) => [slot, maker === null ? label : link(maker, label)])),
      ...list("Settings", step.settings),
      ...(unfolded.length ? [make("h4", "Read by"), make("ul", "", ...unfolded)] : []),
      ...list("Result", [
        ...step.result, ["digest", make("code", step.artifact)],
        ...(step.kind === "metrics" ? [] : step.facts),
      ].filter(([, value]) => value)),
      ...list("Run", [
        ["number", String(step.run)], ["began", step.began], ["took", step.took], ...step.origin,
        ["key", make("code", step.key)],
      ]),
    );
    details.scrollTop = 0;
  }

  function describeGroup(members) {
    const first = steps[members[0]];
    const rows = members.map((member) => {
      const step = steps[member];
      const fact = step.kind === "metrics" && step.facts.length ? `  ${step.facts[0][0]} ${step.facts[0][1]}` : `  ${step.took}`;
      return make("li", "", link(member, step.label), make("small", fact));
    });
    details.replaceChildren(
      make("h3", first.label.replace(/\[\d+\]/g, "[]")), make("p", `${members.length} steps, folded`), make("ul", "", ...rows));
    details.scrollTop = 0;
  }

  // Every link to a step shows it in the graph instead of in the table.
  document.addEventListener("click", (event) => {
    const target = event.target.closest("a[href^='#step-']:not(.node), [data-step]");
    if (!target) return;
    event.preventDefault();
    choose(+(target.dataset.step ?? target.getAttribute("href").slice("#step-".length)));
    if (!byId("lineage").contains(target)) byId("lineage").scrollIntoView();
    details.focus({ preventScroll: true });
  });

  // ------------------------------------------------------------------------------------------------------- search
  const search = byId("search");
  const found = byId("found");
  const texts = steps.map((step) => [step.label, step.operation, step.kind, step.artifact, step.key].join("\n").toLowerCase());
  let hits = [];
  let shown = 0;

  function find() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    hits = words.length ? steps.map((_, index) => index).filter((index) => words.every((word) => texts[index].includes(word))) : [];
    shown = 0;
    for (const each of graphs) {
      const nodes = new Set(hits.map((step) => each.nodeOf[step]));
      each.svg.classList.toggle("searched", words.length > 0);
      each.elements.forEach((element, node) => element.classList.toggle("hit", nodes.has(node)));
    }
    found.textContent = words.length ? `${hits.length} of ${steps.length} steps` : "";
  }

  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { search.value = ""; find(); }
    if (event.key !== "Enter" || !hits.length) return;
    event.preventDefault();
    choose(hits[shown % hits.length]);
    found.textContent = `${shown % hits.length + 1} of ${hits.length}`;
    shown += 1;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName)) { event.preventDefault(); search.focus(); }
  });

  // --------------------------------------------------------------------------------------------------------- fold
  byId("fold")?.addEventListener("change", () => {
    graph = asked();
    for (const each of graphs) each.svg.toggleAttribute("hidden", each !== graph);
    if (!graph.view) fit(graph);
  });

  // A small graph takes no more room than it needs.
  byId("lineage").style.setProperty("--tall", `${Math.round(Math.max(...graphs.map(({ full }) => full.h)) * 1.15 + 60)}px`);
  fit(graph);
  const named = /^#step-(\d+)$/.exec(location.hash);
  if (named && steps[+named[1]]) choose(+named[1]);
})();
