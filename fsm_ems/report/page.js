// Draws the figures of a page, paints them for light or dark, and opens the order that the address names.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const root = document.documentElement;
  const figures = JSON.parse(byId("page:figures").textContent);
  const DOUBLE_CLICK_MS = 300; // a click opens an order unless a second one makes it a way back from a zoom
  const config = {
    doubleClickDelay: DOUBLE_CLICK_MS,
    displaylogo: false,
    responsive: true,
    modeBarButtonsToRemove: ["select2d", "lasso2d"],
    showSendToCloud: false, // a run is its owner's: plotly would offer to upload it
    plotlyServerURL: "",
  };
  const probe = document.body.appendChild(document.createElement("i"));
  probe.hidden = true;

  // "@buy" is the page's colour --buy, as the browser resolves it for the scheme in force.
  function colour(name) {
    probe.style.color = `var(--${name.slice(1)})`;
    return getComputedStyle(probe).color;
  }
  function painted(part, key) {
    if (Array.isArray(part)) return typeof part[0] === "object" ? part.map((inner) => painted(inner, key)) : part;
    if (part !== null && typeof part === "object") {
      return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, painted(inner, name)]));
    }
    return typeof part === "string" && part[0] === "@" && key.endsWith("color") ? colour(part) : part;
  }

  // The lengths of bars are the only texts that plotly would take for something else: for dates.
  for (const bars of figures.lanes.data.filter((trace) => trace.base)) bars.x = bars.x.map(Number);

  const drawn = { chart: byId("page:chart"), lanes: byId("page:lanes") };
  const names = Object.keys(drawn);
  const range = { now: figures.chart.layout.xaxis.range };
  const heights = Object.fromEntries(names.map((name) => [name, figures[name].layout.height]));
  const tops = Object.fromEntries(names.map((name) => [name, figures[name].layout.margin.t]));
  // A legend takes as many rows as the window is narrow: what is under it moves down.
  function fit(name) {
    const legend = drawn[name].querySelector(".legend");
    const buttons = name === "chart" && innerWidth < 1100 ? 30 : 0;
    const top = buttons + (legend ? Math.ceil(legend.getBBox().height) : 0) + (name === "chart" ? 24 : 48);
    const layout = figures[name].layout;
    if (layout.margin.t === top) return null;
    layout.margin.t = top;
    layout.height = heights[name] - tops[name] + top;
    layout.legend.y = 1 - buttons / layout.height;
    return Plotly.relayout(drawn[name], { "margin.t": top, height: layout.height, "legend.y": layout.legend.y });
  }
  function draw(which = names) {
    return Promise.all(which.map((name) => {
      const { data, layout } = painted(figures[name], "");
      layout.uirevision = "kept";
      layout.xaxis.range = [...range.now];
      return Plotly.react(drawn[name], data, layout, { ...config, displayModeBar: name === "chart" })
        .then(() => fit(name));
    }));
  }

  // Both figures show the same time.
  let following = false;
  function follow(name, other) {
    drawn[name].on("plotly_relayout", (changes) => {
      if (following || !Object.keys(changes).some((key) => key.startsWith("xaxis"))) return;
      const home = changes["xaxis.autorange"];
      range.now = home ? figures.chart.layout.xaxis.range : [...drawn[name].layout.xaxis.range];
      following = true;
      const both = home ? names : [other];
      Promise.all(both.map((each) => Plotly.relayout(drawn[each], { "xaxis.range": [...range.now] })))
        .finally(() => { following = false; });
    });
  }

  // An order that is opened by a link, a lane or a mark is drawn strongly on the price chart.
  const selected = figures.chart.data.find((trace) => trace.name === "selected");
  function select(oid) {
    Object.assign(selected, { x: [], y: [] });
    for (const trace of figures.chart.data) {
      if (trace.mode !== "lines" || !trace.customdata) continue;
      trace.customdata.forEach((owner, place) => {
        if (owner !== oid) return;
        selected.x.push(trace.x[place]);
        selected.y.push(trace.y[place]);
      });
    }
    return draw(["chart"]);
  }
  function show() {
    const order = byId(location.hash.slice(1));
    if (!order || !order.classList.contains("order")) return;
    order.open = true;
    order.scrollIntoView();
    select(order.id);
  }

  function go(oid) {
    if (location.hash === `#${oid}`) show(); // closed meanwhile: the address does not change
    else location.hash = oid;
  }

  const schemes = ["light dark", "light", "dark"];
  const words = ["as the system", "light", "dark"];
  const button = byId("page:scheme");
  let scheme = 0;
  button.hidden = false;
  button.addEventListener("click", () => {
    scheme = (scheme + 1) % schemes.length;
    root.style.colorScheme = schemes[scheme];
    button.textContent = `Colours: ${words[scheme]}`;
    draw();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

  const all = byId("page:all");
  all.hidden = false;
  all.addEventListener("click", () => {
    const orders = [...document.querySelectorAll("details.order")];
    const open = orders.some((order) => !order.open);
    for (const order of orders) order.open = open;
  });

  draw().then(() => {
    follow("chart", "lanes");
    follow("lanes", "chart");
    let doubled = -Infinity; // both clicks of a double one are told as clicks, too
    for (const name of names) {
      drawn[name].on("plotly_click", ({ points }) => {
        const oid = points[0].customdata;
        if (!oid) return;
        setTimeout(() => { if (performance.now() - doubled > 2 * DOUBLE_CLICK_MS) go(oid); }, DOUBLE_CLICK_MS);
      });
      drawn[name].on("plotly_doubleclick", () => { doubled = performance.now(); });
    }
    byId("page:lanes-part").addEventListener("toggle", () => Plotly.Plots.resize(drawn.lanes));
    addEventListener("hashchange", show);
    addEventListener("resize", () => setTimeout(() => names.forEach(fit), 300));
    document.addEventListener("click", ({ target }) => {
      const order = target.closest("details.order > summary")?.parentElement;
      if (order && !order.open) select(order.id);
      const link = target.closest("td a");
      if (link && link.hash === location.hash) show();
    });
    show();
  });
})();
