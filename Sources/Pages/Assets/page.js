// Brings the page to life: the graphs, search, fold, the page of the step that is chosen, tables that sort. Texts are only ever set
// as text.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const row = (number) => data.rows[number];
  // Inputs are the slot, what is read, and the step that made it or null; all else is pairs of a name and a text.
  const named = (values) => Object.fromEntries(data.fields.map((name, index) => [name, values[index]]));
  const steps = data.steps.map(named).map((step) => ({
    ...step, inputs: step.inputs.map(([slot, label, maker]) => [row(slot)[0], label, maker]), settings: step.settings.map(row),
    facts: step.facts.map(row), result: step.result.map(row), origin: step.origin.map(row),
  }));
  const byId = (id) => document.getElementById(id);
  const details = byId("details");
  const atFirst = [...details.childNodes];
  document.documentElement.classList.add("live");

  // The last graph has every step; one before it is folded, and shown where the box says so.
  const graphs = Object.entries(data.graphs).map(([name, drawing]) => new GraphView(name, drawing, steps, {
    whenChosen: (members) => members.length === 1 ? choose(members[0]) : chooseGroup(members), whenLeft: clear,
  }));
  const asked = () => byId("fold")?.checked === false ? graphs.at(-1) : graphs[0];
  let graph = asked();

  // -------------------------------------------------------------------------------------------------------- tools
  function showGraph() {
    graph = asked();
    for (const each of graphs) each.isShown = each === graph;
    graph.refit();
  }

  function fill(isFilled) {
    byId("lineage").classList.toggle("filled", isFilled);
    byId("fill").setAttribute("aria-pressed", isFilled);
    byId("fill").textContent = isFilled ? "Back to the page" : "Fill the window";
    graph.refit();
  }

  byId("zoom-in").addEventListener("click", () => graph.zoom(1.4));
  byId("zoom-out").addEventListener("click", () => graph.zoom(1 / 1.4));
  byId("zoom-fit").addEventListener("click", () => graph.fit());
  byId("fill").addEventListener("click", () => fill(!byId("lineage").classList.contains("filled")));
  byId("fold")?.addEventListener("change", showGraph);
  window.addEventListener("resize", () => graph.refit());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName)) { event.preventDefault(); search.focus(); }
    if (event.key === "Escape" && !event.defaultPrevented && byId("lineage").classList.contains("filled")) fill(false);
  });

  // ------------------------------------------------------------------------------------------------------ choosing
  // Shows a step, wherever it was chosen.
  function choose(step, isFromAfar = false) {
    mark(step);
    if (isFromAfar) graph.reveal(graph.nodeOf[step], true);
    byId(`step-${step}`)?.classList.add("chosen");
    describe(step);
    const { label, kind, operation } = steps[step];
    byId("told").textContent = `${label}: ${kind}, made by ${operation}. What decided it stands behind the graph.`;
    // So that the page can be sent with the step chosen. A page on disk may not be allowed to.
    try { history.replaceState(null, "", `#step-${step}`); } catch { }
  }

  function chooseGroup(members) {
    mark(members[0]);
    describeGroup(members);
    byId("told").textContent = `${members.length} steps, folded. They are listed behind the graph.`;
  }

  function mark(step) {
    document.querySelectorAll("tr.chosen").forEach((row) => row.classList.remove("chosen"));
    for (const each of graphs) {
      each.trace(step);
      if (step !== null) each.setCurrent(each.nodeOf[step]);
    }
  }

  function clear() {
    mark(null);
    details.replaceChildren(...atFirst);
    byId("told").textContent = "";
  }

  // Every link to a step shows it in the graph instead of in the table.
  document.addEventListener("click", (event) => {
    const target = event.target.closest("a[href^='#step-']:not(.node), [data-step]");
    if (!target) return;
    event.preventDefault();
    choose(+(target.dataset.step ?? target.getAttribute("href").slice("#step-".length)), true);
    if (!byId("lineage").contains(target)) byId("lineage").scrollIntoView();
    details.focus({ preventScroll: true });
  });

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
    const terms = pairs.flatMap(([name, value]) => [make("dt", name), make("dd", "", value)]);
    return [...(title ? [make("h4", title)] : []), make("dl", "", ...terms)];
  }

  // A button that takes the chosen step's page away again.
  function closing() {
    const button = make("button", "×");
    button.type = "button";
    button.className = "close";
    button.setAttribute("aria-label", "Choose nothing");
    button.addEventListener("click", () => { clear(); graph.focus(graph.current); });
    return button;
  }

  function describe(index) {
    const step = steps[index];
    const readers = steps.flatMap((other, reader) => other.inputs.some((input) => input[2] === index) ? [reader] : []);
    const dot = make("span");
    dot.className = `dot ${data.colors[step.kind]}`;
    const read = readers.slice(0, 12).map((reader) => make("li", "", link(reader, steps[reader].label)));
    if (readers.length > 12) read.push(make("li", `and ${readers.length - 12} more`));
    details.replaceChildren(
      closing(), make("h3", step.label), make("p", "", dot, `${step.kind}, made by ${step.operation}`),
      ...list("", step.facts.length && step.kind === "metrics" ? step.facts : []),
      ...list("Made from", step.inputs.map(([slot, label, maker]) => [slot, maker === null ? label : link(maker, label)])),
      ...list("Settings", step.settings),
      ...(read.length ? [make("h4", "Read by"), make("ul", "", ...read)] : []),
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
      closing(), make("h3", first.label.replace(/\[\d+\]/g, "[]")), make("p", `${members.length} steps, folded`),
      make("ul", "", ...rows));
    details.scrollTop = 0;
  }

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
    for (const each of graphs) each.mark(words.length ? hits : null);
    found.textContent = words.length ? `${hits.length} of ${steps.length} steps` : "";
    // One that is found is seen.
    if (hits.length) graph.reveal(graph.nodeOf[hits[0]]);
  }

  search.addEventListener("input", find);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { event.preventDefault(); search.value = ""; find(); }
    if (event.key !== "Enter" || !hits.length) return;
    event.preventDefault();
    choose(hits[shown % hits.length], true);
    found.textContent = `${shown % hits.length + 1} of ${hits.length}`;
    shown += 1;
  });

  // ------------------------------------------------------------------------------------------------------- tables
  // A click on a column's head sorts by it: numbers from the largest down, all else from A; a second click turns that round.
  const order = new Intl.Collator(undefined, { numeric: true });

  function sort(table, head) {
    const rows = [...table.tBodies[0].rows].map((row) => {
      const cell = row.cells[head.cellIndex];
      const figure = cell.dataset.order ?? cell.querySelector("b")?.textContent.replaceAll(",", "");
      return { row, text: cell.textContent.trim(), number: parseFloat(figure) };
    });
    const isNumeric = rows.some(({ number }) => !Number.isNaN(number));
    const before = head.getAttribute("aria-sort");
    const isDown = before === null ? isNumeric : before === "ascending";
    // What has no number stands last.
    const value = ({ number }) => Number.isNaN(number) ? (isDown ? -Infinity : Infinity) : number;
    const compare = isNumeric ? (a, b) => value(a) - value(b) || 0 : (a, b) => order.compare(a.text, b.text);
    rows.sort((a, b) => isDown ? compare(b, a) : compare(a, b));
    table.tBodies[0].append(...rows.map(({ row }) => row));
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", isDown ? "descending" : "ascending");
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const head of table.tHead.rows[0].cells) {
      const button = make("button", "", ...head.childNodes);
      button.type = "button";
      button.className = "sort";
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
  }

  // ------------------------------------------------------------------------------------------------------- at first
  // A small graph takes no more room than it needs.
  const tallest = Math.max(...graphs.map(({ full }) => full.h));
  byId("lineage").style.setProperty("--tall", `${Math.round(tallest * 1.15 + 60)}px`);
  showGraph();
  const chooseNamed = () => {
    const named = /^#step-(\d+)$/.exec(location.hash);
    if (named && steps[+named[1]]) choose(+named[1], true);
  };
  window.addEventListener("hashchange", chooseNamed);
  chooseNamed();
})();
