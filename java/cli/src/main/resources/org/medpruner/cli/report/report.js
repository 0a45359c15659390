"use strict";
(function () {
  const all = (selector, from) => Array.from((from || document).querySelectorAll(selector));

  // A slice anywhere on the page lights up its anchor and the whole run, here and in the charts.
  const anchorOf = {};
  const cells = {};
  all(".t").forEach((t) => {
    anchorOf[t.dataset.i] = t.dataset.a;
  });
  all(".t, .m, .run").forEach((e) => {
    const a = anchorOf[e.dataset.i];
    (cells[a] = cells[a] || []).push(e);
  });
  let lit = [];
  function light(index) {
    lit.forEach((e) => e.classList.remove("hot", "hot-anchor"));
    const anchor = index === null ? undefined : anchorOf[index];
    lit = (anchor !== undefined && cells[anchor]) || [];
    lit.forEach((e) => {
      e.classList.add("hot");
      if (e.dataset.i === anchor) e.classList.add("hot-anchor");
    });
  }
  all("[data-i]").forEach((e) => {
    e.addEventListener("pointerenter", () => light(e.dataset.i));
    e.addEventListener("pointerleave", () => light(null));
    e.addEventListener("focusin", () => light(e.dataset.i));
    e.addEventListener("focusout", () => light(null));
  });
  all(".m").forEach((e) => {
    e.addEventListener("click", () => {
      location.hash = "s" + e.dataset.i;
    });
  });

  // Token under the pointer: its mass, its role, and the token that stands for it.
  const ROLES = ["merged away", "nucleus", "contextual target"];
  function watch(figure) {
    const pic = figure.querySelector(".pic");
    const pick = figure.querySelector(".l-pick");
    const out = figure.querySelector(".readout");
    if (!pick) return;
    const w = Number(pic.dataset.w);
    const h = Number(pic.dataset.h);
    const mass = pic.dataset.mass.split(" ");
    const stands = pic.dataset.for.split(" ");
    const box = figure.querySelector(".over").viewBox.baseVal;
    const cw = box.width / w;
    const ch = box.height / h;
    const rect = (i) =>
      "M" + (i % w) * cw + " " + Math.floor(i / w) * ch + "h" + cw + "v" + ch + "h-" + cw + "z";
    const centre = (i) => ((i % w) + 0.5) * cw + " " + (Math.floor(i / w) + 0.5) * ch;
    const name = (i) => "row " + Math.floor(i / w) + ", column " + (i % w);
    pic.addEventListener("pointermove", (event) => {
      const r = pic.getBoundingClientRect();
      const x = Math.min(w - 1, Math.max(0, Math.floor(((event.clientX - r.left) / r.width) * w)));
      const y = Math.min(h - 1, Math.max(0, Math.floor(((event.clientY - r.top) / r.height) * h)));
      const i = y * w + x;
      const to = Number(stands[i]);
      const moved = pic.dataset.role[i] === "0" && to !== i && to >= 0 && w * h > to;
      pick.setAttribute("d", rect(i) + (moved ? "M" + centre(i) + "L" + centre(to) + rect(to) : ""));
      out.classList.toggle("up", y > h / 2);
      out.textContent =
        name(i) + ": mass " + mass[i] + ", " + ROLES[Number(pic.dataset.role[i])] +
        (moved ? " into " + name(to) : "");
    });
    pic.addEventListener("pointerleave", () => {
      pick.setAttribute("d", "");
      out.textContent = "";
    });
  }
  const figures = all(".kf");
  figures.forEach(watch);

  // Enlarged figure; arrow keys go to the neighbours.
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Enlarged slice");
  const figs = document.querySelector(".figs");
  if (figs) figs.append(dialog);
  let shown = 0;
  function show(k) {
    shown = (k + figures.length) % figures.length;
    const copy = figures[shown].cloneNode(true);
    copy.removeAttribute("id");
    const bar = document.createElement("div");
    bar.className = "dialog-bar";
    [["Previous", () => show(shown - 1)], ["Next", () => show(shown + 1)],
      ["Close", () => dialog.close()]].forEach(([text, act]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = text;
      button.addEventListener("click", act);
      bar.append(button);
    });
    dialog.replaceChildren(bar, copy);
    watch(copy);
    if (!dialog.open) dialog.showModal();
    // The buttons are new: without focus inside, the arrow keys would reach nobody.
    bar.children[1].focus();
  }
  figures.forEach((f, k) => f.querySelector(".zoom").addEventListener("click", () => show(k)));
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(shown + 1);
    if (event.key === "ArrowLeft") show(shown - 1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("a")) dialog.close();
  });
})();
