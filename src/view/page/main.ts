/**
 * The time line's page: builds the document around the picture, and moves the current record by keys, scrubber, click and search.
 *
 * One record is current. Whatever moves it goes through `select`, which scrolls it into view and has the panels and the picture drawn in
 * the next frame, at most once a frame.
 */
import { DATA_ELEMENT, type ViewData } from "../view-data.js";
import { Axis, COLUMN_PX_MAX, COLUMN_PX_MIN } from "./axis.js";
import { element } from "./elements.js";
import { legend } from "./legend.js";
import { PageModel } from "./page-model.js";
import { HEAD_PX, LABELS_PX, Painter, ROW_PX, rowsOf } from "./painter.js";
import { programPanel, recordPanel, statePanel } from "./panels.js";

/** Records that Page Up and Page Down go over. */
const PAGE_RECORDS = 25;
const ZOOM = 1.4;
const KEYS =
  "Arrow keys: a record on or back, with Shift to the next of the same fiber. Page Up, Page Down, Home, End: further. " +
  "D: to the divergence. + and -: zoom. Slash: search.";

class Page {
  readonly #model: PageModel;
  readonly #axis: Axis;
  readonly #painter: Painter;
  readonly #canvas = element("canvas", { class: "lanes", role: "img" });
  readonly #extent = element("div", { class: "extent" });
  readonly #scroller: HTMLElement;
  readonly #scrubber: HTMLInputElement;
  readonly #where = element("output", { class: "where", for: "scrubber" });
  readonly #record = element("section", {
    "aria-label": "Current record",
    "aria-live": "polite",
    class: "record",
  });
  readonly #state = element("section", {
    "aria-label": "The model's scheduler",
    tabindex: "0",
    class: "panel",
  });
  readonly #program = element("section", { "aria-label": "The program", tabindex: "0", class: "panel" });
  readonly #search = element("input", { type: "search", id: "search", autocomplete: "off", list: "fibers" });
  readonly #found = element("span", { role: "status", class: "found" });
  #current = -1;
  #body: number | undefined;
  #isDrawAsked = false;

  constructor(model: PageModel) {
    this.#model = model;
    this.#axis = new Axis(model.sides, model.recordCount);
    this.#scrubber = element("input", {
      type: "range",
      id: "scrubber",
      min: "0",
      max: String(model.recordCount - 1),
      step: "1",
    });
    this.#scroller = element(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": "Time line" },
      this.#canvas,
      this.#extent,
    );
    const rows = rowsOf(model);
    this.#painter = new Painter(model, this.#axis, rows, this.#canvas);
    this.#extent.style.height = `${HEAD_PX + rows.length * ROW_PX}px`;
    const targets = model.sides.map(({ on }) => on).join(" above ");
    this.#canvas.setAttribute("aria-label", `Lanes of ${targets}: ${model.recordCount} records`);
    this.#build();
    this.#listen();
    this.select(model.divergence?.index ?? model.data.stuckFrom ?? 0);
  }

  /** Makes a record the current one and brings it on screen. */
  select(record: number, body?: number): void {
    const current = Math.max(0, Math.min(this.#model.recordCount - 1, record));
    this.#current = current;
    this.#body = body ?? this.#bodyAt(current);
    this.#reveal();
    this.#showPanels();
    this.#askDraw();
  }

  /** The body of a record: on the first side that has one there. */
  #bodyAt(record: number): number | undefined {
    for (const side of this.#model.sides) {
      const body = this.#model.bodyOf(side, record);
      if (body !== undefined) return body;
    }
    return undefined;
  }

  #build(): void {
    const { data, divergence } = this.#model;
    const names = element("datalist", { id: "fibers" });
    for (const { body } of this.#model.sides[0]!.timeline.lanes.slice(0, 1000))
      names.append(element("option", { value: this.#model.names[body]! }));
    const jump = element("button", { type: "button", id: "divergence" }, "Go to the divergence");
    jump.addEventListener("click", () => this.select(divergence?.index ?? 0));
    const verdict =
      divergence === undefined
        ? element("p", {}, this.#model.sides.length > 1 ? "The targets agree." : "One target.")
        : element("p", { class: "verdict" }, `${divergence.sentence} `, jump);
    const stuck = element("ul", {}, ...data.forensics.map((line) => element("li", {}, line)));
    const forensics =
      data.forensics.length === 0
        ? []
        : [element("details", { open: "" }, element("summary", {}, "Who is stuck for good, and why"), stuck)];
    document.body.append(
      element(
        "header",
        {},
        element("h1", {}, data.title),
        verdict,
        element("p", {}, "Again: ", element("code", {}, data.again)),
      ),
      element(
        "main",
        {},
        element(
          "div",
          { class: "controls" },
          element("label", { for: "scrubber" }, "Record"),
          this.#scrubber,
          this.#where,
          element("label", { for: "search" }, "Fiber"),
          this.#search,
          names,
          this.#found,
        ),
        this.#record,
        element(
          "div",
          { class: "columns" },
          element("div", { class: "picture" }, this.#scroller, legend(), ...forensics),
          element("div", { class: "side" }, this.#state, this.#program),
        ),
        element("p", { class: "keys" }, KEYS),
      ),
    );
    this.#resize();
  }

  #listen(): void {
    this.#scrubber.addEventListener("input", () => this.select(Number(this.#scrubber.value)));
    this.#scroller.addEventListener("scroll", () => this.#askDraw());
    this.#search.addEventListener("input", () => this.#find(0));
    this.#search.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.#find(this.#current + 1);
    });
    this.#canvas.addEventListener("click", (event) => {
      const box = this.#canvas.getBoundingClientRect();
      this.select(this.#axis.recordAt(event.clientX - box.left - LABELS_PX + this.#scroller.scrollLeft));
    });
    window.addEventListener("resize", () => this.#askDraw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#askDraw());
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #onKey(event: KeyboardEvent): void {
    const isTyping = event.target === this.#search;
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.key === "ArrowRight" || event.key === "ArrowDown" ? 1 : -1;
    switch (event.key) {
      case "ArrowRight":
      case "ArrowLeft":
        if (event.shiftKey) this.select(this.#nextOf(this.#body, this.#current + step, step));
        else this.select(this.#current + step);
        break;
      case "PageDown":
        this.select(this.#current + PAGE_RECORDS);
        break;
      case "PageUp":
        this.select(this.#current - PAGE_RECORDS);
        break;
      case "Home":
        this.select(0);
        break;
      case "End":
        this.select(this.#model.recordCount - 1);
        break;
      case "d":
        if (this.#model.divergence === undefined) return;
        this.select(this.#model.divergence.index);
        break;
      case "+":
      case "-":
        this.#zoom(event.key === "+" ? ZOOM : 1 / ZOOM);
        break;
      case "/":
        this.#search.focus();
        break;
      default:
        return;
    }
    event.preventDefault();
  }

  /** The next record of a body from `from` on, in the direction of `step`; the current one where there is none. */
  #nextOf(body: number | undefined, from: number, step: number): number {
    const { table } = this.#model.sides[0]!;
    for (let record = from; record >= 0 && record < table.last; record += step)
      if (table.who[record] === body) return record;
    return this.#current;
  }

  /** The first fiber whose name holds what is searched for, and its first record from `from` on. */
  #find(from: number): void {
    const wanted = this.#search.value.trim().toLowerCase();
    const { lanes } = this.#model.sides[0]!.timeline;
    const fits = lanes.filter(({ body }) => this.#model.names[body]!.toLowerCase().includes(wanted));
    if (wanted === "" || fits.length === 0) {
      this.#found.textContent = wanted === "" ? "" : "no fiber of that name";
      return;
    }
    const exact = fits.find(({ body }) => this.#model.names[body]!.toLowerCase() === wanted);
    const { body } = exact ?? fits[0]!;
    this.#found.textContent = `${this.#model.names[body]}${fits.length > 1 ? `, 1 of ${fits.length} that fit` : ""}`;
    this.select(this.#nextOf(body, from, 1), body);
  }

  #zoom(factor: number): void {
    const wanted = this.#axis.columnPx * factor;
    this.#axis.columnPx = Math.max(COLUMN_PX_MIN, Math.min(COLUMN_PX_MAX, wanted));
    this.#resize();
    this.select(this.#current, this.#body);
  }

  #resize(): void {
    this.#extent.style.width = `${LABELS_PX + this.#axis.width + this.#axis.columnPx}px`;
  }

  /** Scrolls so that the column of the current record and its lane are on screen; as little as need be, or to the middle. */
  #reveal(): void {
    const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.#scroller;
    const x = this.#axis.x(this.#current);
    const shownWidth = clientWidth - LABELS_PX;
    if (x < scrollLeft || x + 2 * this.#axis.columnPx > scrollLeft + shownWidth)
      this.#scroller.scrollLeft = x - shownWidth / 2;
    const row = this.#body === undefined ? undefined : this.#painter.rowOf(this.#model.sides[0]!, this.#body);
    if (row === undefined) return;
    const y = row * ROW_PX;
    if (y < scrollTop || y + HEAD_PX + ROW_PX > scrollTop + clientHeight)
      this.#scroller.scrollTop = y - clientHeight / 2;
  }

  #showPanels(): void {
    const model = this.#model;
    const record = this.#current;
    const { table } = model.sides[0]!;
    const t = table.clockMs[Math.min(record, table.last)];
    this.#scrubber.value = String(record);
    this.#scrubber.setAttribute("aria-valuetext", `record ${record} at t=${t}`);
    this.#where.textContent = `${record} of ${model.recordCount - 1}, t=${t}`;
    this.#record.replaceChildren(recordPanel(model, record));
    const heading = `The model's scheduler before record ${record}`;
    this.#state.replaceChildren(element("h2", {}, heading), statePanel(model.stateAt(record)));
    const at = record < table.count ? table.at[record]! : -1;
    const body = model.bodyOf(model.sides[0]!, record);
    this.#program.replaceChildren(element("h2", {}, "The program"), programPanel(model, body, at));
    const current = this.#program.querySelector<HTMLElement>("[aria-current]");
    if (current !== null) this.#program.scrollTop = current.offsetTop - this.#program.clientHeight / 2;
  }

  #askDraw(): void {
    if (this.#isDrawAsked) return;
    this.#isDrawAsked = true;
    requestAnimationFrame(() => {
      this.#isDrawAsked = false;
      const { clientWidth, clientHeight, scrollLeft, scrollTop } = this.#scroller;
      this.#canvas.style.width = `${clientWidth}px`;
      this.#canvas.style.height = `${clientHeight}px`;
      this.#painter.paint({
        scrollX: scrollLeft,
        scrollY: scrollTop,
        width: clientWidth,
        height: clientHeight,
        record: this.#current,
        body: this.#body,
      });
    });
  }
}

const data = JSON.parse(document.getElementById(DATA_ELEMENT)!.textContent) as ViewData;
new Page(new PageModel(data));
