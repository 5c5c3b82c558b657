"use strict";
// A graph that is drawn on the page: how much of it is seen, and its nodes, by pointer and by keys. A node stands for one step, or
// for several that are folded.
class GraphView {
  // The scale at which names are read at ease, and the least at which all of a graph at once is worth more.
  static readable = 0.75;
  static legible = 0.62;
  // Below this they are only specks: then nodes are their colours.
  static far = 0.42;
  static minimapSize = { width: 190, height: 130 };

  // `whenChosen` is told the steps of a node that somebody chooses, `whenLeft` that nothing is to be chosen.
  constructor(name, { nodes, ranks, lines }, steps, { whenChosen, whenLeft }) {
    this.svg = document.getElementById(name);
    this.canvas = this.svg.parentElement;
    this.minimap = document.getElementById("minimap");
    Object.assign(this, { nodes, ranks, whenChosen, whenLeft, current: 0, view: null });
    // How the view came to be, for when the window changes: `begin`, `fit`, or null where somebody moved it.
    this.origin = null;
    this.isDown = this.svg.dataset.direction === "down";
    this.full = { w: +this.svg.dataset.width, h: +this.svg.dataset.height };
    this.nodeOf = [];
    nodes.forEach((members, node) => members.forEach((step) => { this.nodeOf[step] = node; }));
    this.parents = nodes.map(() => new Set());
    this.children = nodes.map(() => new Set());
    steps.forEach((step, index) => {
      for (const [, , maker] of step.inputs) {
        if (maker === null || this.nodeOf[maker] === this.nodeOf[index]) continue;
        this.parents[this.nodeOf[index]].add(this.nodeOf[maker]);
        this.children[this.nodeOf[maker]].add(this.nodeOf[index]);
      }
    });
    this.elements = nodes.map((_, node) => document.getElementById(`${name}-${node}`));
    this.places = this.elements.map((element) => { const { e, f } = element.transform.baseVal[0].matrix; return { x: e, y: f }; });
    const { width, height } = document.getElementById("box");
    this.size = { w: width.baseVal.value, h: height.baseVal.value };
    this.lines = [...this.svg.querySelectorAll(".lines path")].map((path, line) => ({
      path, from: lines[line][0], to: lines[line][1], rank: lines[line][2],
    }));
    this.elements.forEach((element, node) => {
      element.tabIndex = node === 0 ? 0 : -1;
      element.addEventListener("click", (event) => { event.preventDefault(); this.chooseNode(node); });
      element.addEventListener("focus", () => { this.setCurrent(node); });
      // A drag must not become a drag of the link.
      element.addEventListener("dragstart", (event) => event.preventDefault());
    });
    this.svg.addEventListener("keydown", (event) => { if (this.key(event)) event.preventDefault(); });
    this.listenToPointer();
  }

  set isShown(isShown) { this.svg.toggleAttribute("hidden", !isShown); }

  // --------------------------------------------------------------------------------------------------------- view
  get box() { return this.svg.getBoundingClientRect(); }
  get scale() { return this.box.width / this.view.w; }

  show(view, origin = null) {
    Object.assign(this, { view, origin, lastScale: this.box.width / view.w });
    this.svg.classList.toggle("far", this.lastScale < GraphView.far);
    this.svg.setAttribute("viewBox", [view.x, view.y, view.w, view.h].map((n) => Math.round(n * 10) / 10).join(" "));
    this.showMinimap();
  }

  // Fits all of the graph in, no larger than life.
  fit() {
    const { width, height } = this.box;
    if (!width) return;
    const { w, h } = this.full;
    const scale = Math.min(width / w, height / h, 1.15);
    this.show({ x: (w - width / scale) / 2, y: (h - height / scale) / 2, w: width / scale, h: height / scale }, "fit");
  }

  // What is seen at first: all of it if its names can be read then, else where it begins, from where one moves on.
  begin() {
    this.fit();
    if (!this.view || this.scale >= GraphView.legible) { this.origin = "begin"; return; }
    const { width, height } = this.box;
    const scale = Math.min(Math.max(width / this.full.w, GraphView.readable), 1);
    const [w, h] = [width / scale, height / scale];
    const first = this.places.filter((_, node) => this.ranks[node] === 0);
    // Within the graph, and with the first rank in the middle where that is not the way on.
    const start = (axis, size, whole, half) => {
      if (size >= whole) return (whole - size) / 2;
      const places = first.map((place) => place[axis] + half);
      return Math.min(Math.max((Math.min(...places) + Math.max(...places) - size) / 2, 0), whole - size);
    };
    const x = this.isDown || w >= this.full.w ? start("x", w, this.full.w, this.size.w / 2) : 0;
    const y = this.isDown ? 0 : start("y", h, this.full.h, this.size.h / 2);
    this.show({ x, y, w, h }, "begin");
  }

  // After the room for it has changed.
  refit() {
    if (!this.view || this.origin === "begin") return this.begin();
    if (this.origin === "fit") return this.fit();
    const { x, y, w, h } = this.view;
    const [width, height] = [this.box.width / this.lastScale, this.box.height / this.lastScale];
    this.show({ x: x + (w - width) / 2, y: y + (h - height) / 2, w: width, h: height });
  }

  // Zooms about a point of the graph, or about the middle.
  zoom(factor, about) {
    const { x, y, w, h } = this.view;
    const change = this.scale / Math.min(Math.max(this.scale * factor, 0.02), 4);
    const point = about ?? { x: x + w / 2, y: y + h / 2 };
    this.show({ x: point.x - (point.x - x) * change, y: point.y - (point.y - y) * change, w: w * change, h: h * change });
  }

  center({ x, y }) {
    const { w, h } = this.view;
    this.show({ x: x - w / 2, y: y - h / 2, w, h });
  }

  move(x, y) { this.show({ ...this.view, x: this.view.x + x, y: this.view.y + y }); }

  // Moves the view where a node would be outside of it; near enough to read its name where that is asked for.
  reveal(node, isToBeRead = false) {
    if (!this.view) this.begin();
    if (isToBeRead && this.scale < GraphView.legible) this.zoom(GraphView.readable / this.scale);
    const { x, y } = this.places[node];
    const view = this.view;
    const isInside = x >= view.x && y >= view.y && x + this.size.w <= view.x + view.w && y + this.size.h <= view.y + view.h;
    if (!isInside) this.center({ x: x + this.size.w / 2, y: y + this.size.h / 2 });
  }

  // ------------------------------------------------------------------------------------------------------ minimap
  // All of the graph in a corner, with a frame around what is seen; there only while something is not seen.
  showMinimap() {
    const { x, y, w, h } = this.view;
    const hasAll = x <= 0 && y <= 0 && x + w >= this.full.w && y + h >= this.full.h;
    this.minimap.toggleAttribute("hidden", hasAll);
    if (hasAll) return;
    if (this.minimap.dataset.of !== this.svg.id) this.drawMinimap();
    const frame = this.minimap.lastElementChild;
    for (const [name, value] of [["x", x], ["y", y], ["width", w], ["height", h]]) frame.setAttribute(name, value);
  }

  drawMinimap() {
    const make = (tag, attributes) => {
      const element = document.createElementNS(this.svg.namespaceURI, tag);
      for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
      return element;
    };
    const { width, height } = GraphView.minimapSize;
    const scale = Math.min(Math.min(width, this.box.width / 3) / this.full.w, height / this.full.h);
    const shapes = {};
    this.places.forEach(({ x, y }, node) => {
      // A node is a dot at least.
      const [w, h] = [Math.max(this.size.w, 2 / scale), Math.max(this.size.h, 2 / scale)];
      const kind = this.elements[node].classList[1];
      shapes[kind] = (shapes[kind] ?? "") + `M${x} ${y}h${w}v${h}h${-w}z`;
    });
    this.minimap.replaceChildren(
      ...Object.entries(shapes).map(([kind, d]) => make("path", { class: kind, d })), make("rect", { class: "frame" }));
    for (const [name, value] of [
      ["viewBox", `0 0 ${this.full.w} ${this.full.h}`], ["width", this.full.w * scale], ["height", this.full.h * scale],
    ]) this.minimap.setAttribute(name, value);
    this.minimap.dataset.of = this.svg.id;
    this.minimap.onpointerdown = this.minimap.onpointermove = (event) => {
      if (!event.buttons) return;
      const { left, top } = this.minimap.getBoundingClientRect();
      this.center({ x: (event.clientX - left) / scale, y: (event.clientY - top) / scale });
    };
  }

  // ------------------------------------------------------------------------------------------------------ pointer
  pointAt(event) {
    const { left, top } = this.box;
    return { x: this.view.x + (event.clientX - left) / this.scale, y: this.view.y + (event.clientY - top) / this.scale };
  }

  listenToPointer() {
    const { svg } = this;
    const pointers = new Map();
    let moved = false;
    svg.addEventListener("wheel", (event) => {
      const isZoom = event.ctrlKey || event.metaKey;
      // Where there is a page to scroll, a wheel scrolls it.
      if (!isZoom && !this.canvas.closest(".filled")) return;
      event.preventDefault();
      const pixels = event.deltaMode ? 16 : 1;
      if (isZoom) this.zoom(Math.exp(-event.deltaY * pixels * 0.004), this.pointAt(event));
      else this.move(event.deltaX * pixels / this.scale, event.deltaY * pixels / this.scale);
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
      const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId);
      if (other) {
        const spread = ({ clientX, clientY }) => Math.hypot(clientX - other.clientX, clientY - other.clientY);
        this.zoom(spread(event) / Math.max(spread(last), 1), this.pointAt(other));
      } else {
        this.move((last.clientX - event.clientX) / this.scale, (last.clientY - event.clientY) / this.scale);
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

  // ----------------------------------------------------------------------------------------------------- keyboard
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const axis = this.isDown ? "x" : "y";
    const apart = (a, b) => this.places[a][axis] - this.places[b][axis];
    const nearest = (nodes) => [...nodes].sort((a, b) => Math.abs(apart(a, this.current)) - Math.abs(apart(b, this.current)))[0];
    const rank = this.nodes.map((_, node) => node).filter((node) => this.ranks[node] === this.ranks[this.current]).sort(apart);
    const place = rank.indexOf(this.current);
    const [back, on, before, behind] = this.isDown
      ? ["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"] : ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
    switch (event.key) {
      case back: return this.focus(nearest(this.parents[this.current]));
      case on: return this.focus(nearest(this.children[this.current]));
      case before: return this.focus(rank[place - 1]);
      case behind: return this.focus(rank[place + 1]);
      case "Home": return this.focus(0);
      case "End": return this.focus(this.nodes.length - 1);
      case " ": this.chooseNode(this.current); return true;
      case "Escape": this.whenLeft(); return true;
      case "+": case "=": this.zoom(1.4); return true;
      case "-": this.zoom(1 / 1.4); return true;
      case "0": this.fit(); return true;
      default: return false;
    }
  }

  // The one node that the Tab key leads to.
  setCurrent(node) {
    this.elements[this.current].tabIndex = -1;
    this.elements[node].tabIndex = 0;
    this.current = node;
  }

  focus(node) {
    if (node === undefined) return true;
    this.setCurrent(node);
    this.reveal(node);
    this.elements[node].focus({ preventScroll: true });
    return true;
  }

  // ------------------------------------------------------------------------------------------------------ choosing
  chooseNode(node) {
    this.focus(node);
    this.whenChosen(this.nodes[node]);
  }

  // Marks the node of a step, with all that it was made from and all that was made from it; null marks none.
  trace(step) {
    const reach = (start, next) => {
      const seen = new Set([start]);
      for (const node of seen) for (const other of next[node]) seen.add(other);
      return seen;
    };
    const node = step === null ? null : this.nodeOf[step];
    const above = node === null ? new Set() : reach(node, this.parents);
    const below = node === null ? new Set() : reach(node, this.children);
    this.svg.classList.toggle("traced", node !== null);
    this.elements.forEach((element, index) => {
      element.classList.toggle("kin", above.has(index) || below.has(index));
      element.classList.toggle("chosen", index === node);
      if (index === node) element.setAttribute("aria-current", "true"); else element.removeAttribute("aria-current");
    });
    const isKin = (from, to) => (above.has(from) && above.has(to)) || (below.has(from) && below.has(to));
    for (const { path, from, to, rank } of this.lines) {
      const leads = () => [...this.children[from]].some((child) => this.ranks[child] > rank && isKin(from, child));
      const carries = () => [...this.parents[to]].some((parent) => this.ranks[parent] < rank && isKin(parent, to));
      path.classList.toggle("kin", to === null ? leads() : from === null ? carries() : isKin(from, to));
    }
  }

  // Marks the nodes of the steps that a search found; null marks none.
  mark(found) {
    const nodes = new Set(found?.map((step) => this.nodeOf[step]));
    this.svg.classList.toggle("searched", found !== null);
    this.elements.forEach((element, node) => element.classList.toggle("hit", nodes.has(node)));
  }
}
