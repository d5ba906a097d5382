// Keys and ticks of the desk's lists. Everything here can also be done without it.
(function () {
  "use strict";
  var list = document.querySelector("[data-cases]"), form = document.querySelector("form.many");
  var rows = [], here = -1;

  function boxes() { return form ? Array.prototype.slice.call(form.querySelectorAll("input[name=token]")) : []; }
  function count() {
    var all = boxes(), ticked = all.filter(function (each) { return each.checked; }).length;
    var said = form.querySelector("[data-ticked]"), every = form.querySelector("[data-tick-all]");
    if (said) said.textContent = ticked ? "· " + ticked : "";
    if (every) { every.checked = ticked > 0 && ticked === all.length; every.indeterminate = ticked > 0 && ticked < all.length; }
  }
  if (form) {
    form.addEventListener("change", function (event) {
      if (event.target.matches("[data-tick-all]")) boxes().forEach(function (each) { each.checked = event.target.checked; });
      count();
    });
    var every = form.querySelector(".tick-all");
    if (every && boxes().length) every.hidden = false;
    count();
  }

  function go(step) {
    if (!rows.length) return;
    if (here >= 0) rows[here].classList.remove("is-here");
    here = Math.max(0, Math.min(rows.length - 1, here + step));
    rows[here].classList.add("is-here");
    var link = rows[here].querySelector("a.card");
    if (link) link.focus({ preventScroll: true });
    rows[here].scrollIntoView({ block: "nearest" });
  }
  function tick() {
    var box = here >= 0 && rows[here].querySelector("input[name=token]");
    if (!box) return;
    box.checked = !box.checked;
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  function help() {
    var keys = document.getElementById("keys");
    if (!keys) return;
    keys.open = !keys.open;
  }
  // The lines as they stand, also after an open page has fetched new ones.
  function look() {
    var at = rows[here];
    rows = list ? Array.prototype.slice.call(list.querySelectorAll(".pick")) : [];
    here = at ? rows.indexOf(at) : -1;
    if (form) count();
  }
  // Whatever got the focus by Tab or a click is the line that the keys go on from.
  if (list) list.addEventListener("focusin", function (event) {
    var number = rows.indexOf(event.target.closest(".pick"));
    if (number < 0) return;
    if (here >= 0) rows[here].classList.remove("is-here");
    here = number;
    rows[here].classList.add("is-here");
  });
  look();
  document.addEventListener("wenlu:changed", look);
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea, [contenteditable]")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.target.closest(".leaflet-container")) return;
    var acts = { j: function () { go(1); }, k: function () { go(-1); }, x: tick, "?": help, "/": function () { document.getElementById("q").focus(); } };
    if (!acts[event.key]) return;
    event.preventDefault();
    acts[event.key]();
  });
}());
