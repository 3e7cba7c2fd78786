"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const make = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    if (text !== undefined && text !== null) element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const shown = data.methods.filter((method) => method.image);
  if (data.truth) shown.push({ name: "the true image", image: data.truth });

  // ---- table
  const columns = data.columns;
  const table = byId("figures");
  const headRow = make("tr");
  for (const column of columns) {
    headRow.append(make("th", column.title, { scope: "col", title: column.about }));
  }
  table.tHead.append(headRow);
  // JSON has no infinity: the figures of equal images are null and listed under "infinite".
  const figure = (method, key) => ((method.figures.infinite || []).includes(key) ? Infinity : method.figures[key]);
  const best = {};
  for (const column of columns) {
    if (!column.best) continue;
    const values = data.methods.map((method) => figure(method, column.key)).filter((value) => typeof value === "number");
    if (values.length > 1) best[column.key] = column.best === "high" ? Math.max(...values) : Math.min(...values);
  }
  for (const method of data.methods) {
    const row = make("tr");
    if (method.status !== "done") {
      row.append(make("td", method.name));
      row.append(make("td", `${method.status}: ${method.message}`, { colspan: columns.length - 1, class: "message" }));
      table.tBodies[0].append(row);
      continue;
    }
    for (const column of columns) {
      const value = column.key === "name" ? method.name : figure(method, column.key);
      const known = value !== undefined && value !== null;
      const shownAs = value === Infinity ? "inf" : typeof value === "number" ? value.toFixed(column.digits) : value;
      const cell = make("td", known ? shownAs : "\u2013");
      if (typeof value === "number") cell.dataset.sort = value;
      if (!known) cell.dataset.sort = "";
      if (known && value === best[column.key]) cell.classList.add("best");
      row.append(cell);
    }
    table.tBodies[0].append(row);
  }

  // ---- viewer
  const sides = { left: byId("left"), right: byId("right") };
  const images = { left: byId("image-left"), right: byId("image-right") };
  for (const side of ["left", "right"]) {
    shown.forEach((method, index) => sides[side].append(new Option(method.name, String(index))));
  }
  const show = (side) => {
    const method = shown[Number(sides[side].value)];
    images[side].src = method.image;
    images[side].alt = `${data.photo}, ${method.name}`;
  };
  if (shown.length > 0) {
    sides.left.value = "0";
    sides.right.value = String(shown.length - 1);
    const preferred = shown.findIndex((method) => method.name === data.preferred);
    if (preferred >= 0) sides.right.value = String(preferred);
  }
  for (const side of ["left", "right"]) {
    sides[side].addEventListener("change", () => show(side));
    if (shown.length > 0) show(side);
  }

  // Both images go the same way: the one that moves tells the other.
  const zooms = {};
  const stage = byId("stage");
  for (const side of ["left", "right"]) {
    zooms[side] = Panzoom(images[side], { maxScale: 16, minScale: 1, contain: "outside", cursor: "grab", step: 0.4 });
    images[side].parentElement.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && zooms[side].getScale() === 1 && event.deltaY > 0) return;
      event.preventDefault();
      zooms[side].zoomWithWheel(event);
    }, { passive: false });
  }
  const follow = (from, to) => images[from].addEventListener("panzoomchange", (event) => {
    images[to].style.transform = images[from].style.transform;
    const { x, y, scale } = event.detail;
    const other = zooms[to];
    if (other.getScale() !== scale) other.zoom(scale, { silent: true, animate: false });
    const place = other.getPan();
    if (place.x !== x || place.y !== y) other.pan(x, y, { silent: true, animate: false, force: true });
    stage.classList.toggle("close-up", scale >= 2);
    byId("zoom").textContent = `${Math.round(scale * 100)} %`;
  });
  follow("left", "right");
  follow("right", "left");
  byId("zoom-in").addEventListener("click", () => zooms.left.zoomIn());
  byId("zoom-out").addEventListener("click", () => zooms.left.zoomOut());
  byId("zoom-reset").addEventListener("click", () => zooms.left.reset());
  for (const [id, dx, dy] of [["pan-left", 1, 0], ["pan-right", -1, 0], ["pan-up", 0, 1], ["pan-down", 0, -1]]) {
    byId(id).addEventListener("click", () => zooms.left.pan(60 * dx, 60 * dy, { relative: true }));
  }

  // ---- crops
  const load = (source) => new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = source;
  });
  Promise.all(shown.map((method) => load(method.image))).then((loaded) => {
    const crops = byId("crops");
    for (const [number, crop] of data.crops.entries()) {
      const row = make("div", null, { class: "crop", role: "group", "aria-label": `Detail ${number + 1}` });
      shown.forEach((method, index) => {
        const figure = make("figure");
        const canvas = make("canvas", null, {
          width: crop.side, height: crop.side, role: "img", "aria-label": `detail ${number + 1}, ${method.name}`,
        });
        if (loaded[index]) {
          canvas.getContext("2d").drawImage(loaded[index], crop.x, crop.y, crop.side, crop.side, 0, 0, crop.side, crop.side);
        }
        figure.append(canvas, make("figcaption", method.name));
        row.append(figure);
      });
      crops.append(row);
    }
    document.body.dataset.ready = "yes";
  });

  // ---- invented detail
  const maps = byId("invented");
  for (const method of data.methods.filter((one) => one.invented)) {
    const figure = make("figure");
    figure.append(make("img", null, { src: method.invented, alt: `invented detail of ${method.name}` }));
    figure.append(make("figcaption", `${method.name}, mean ${method.figures.invented.toFixed(2)}`));
    maps.append(figure);
  }
  byId("invented-scale").textContent = data.invented_most
    ? `White is ${data.invented_most.toFixed(1)} of 255 levels or more.` : "";
  byId("invented-section").hidden = maps.children.length === 0;

  // ---- kernels
  const kernels = byId("kernels");
  for (const method of data.methods.filter((one) => one.kernel)) {
    const rows = method.kernel;
    const canvas = make("canvas", null, {
      width: rows[0].length, height: rows.length, role: "img", "aria-label": `blur kernel of ${method.name}`,
    });
    const peak = Math.max(...rows.flat());
    const pixels = canvas.getContext("2d").createImageData(rows[0].length, rows.length);
    rows.flat().forEach((value, index) => {
      const level = Math.round(255 * Math.max(0, value) / peak);
      pixels.data.set([level, level, level, 255], 4 * index);
    });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    const figure = make("figure");
    figure.append(canvas, make("figcaption", `${method.name}, ${rows[0].length} \u00d7 ${rows.length}`));
    kernels.append(figure);
  }
  byId("kernel-section").hidden = kernels.children.length === 0;

  // ---- loss curves
  const curves = byId("curves");
  const style = getComputedStyle(document.documentElement);
  for (const method of data.methods.filter((one) => one.losses && one.losses[0].length > 1)) {
    const box = make("div");
    curves.append(box);
    const axis = { stroke: style.getPropertyValue("--text"), grid: { stroke: style.getPropertyValue("--line") } };
    const plot = new uPlot({
      title: method.name, width: Math.min(680, curves.clientWidth || 680), height: 220,
      scales: { x: { time: false }, y: { distr: 3 } },
      series: [{ label: "step" }, { label: "loss", stroke: style.getPropertyValue("--accent"), width: 2 }],
      axes: [axis, { ...axis, size: 70 }],
    }, method.losses, box);
    window.addEventListener("resize", () => plot.setSize({ width: Math.min(680, curves.clientWidth), height: 220 }));
  }
  byId("curve-section").hidden = curves.children.length === 0;

  // ---- settings
  for (const method of data.methods) {
    const block = make("details");
    block.append(make("summary", method.name), make("pre", JSON.stringify(method.settings, null, 2), { tabindex: "0" }));
    byId("settings").append(block);
  }
})();
