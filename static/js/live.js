// Keeps an open page fresh with care: asks a small address whether anything changed, and only then fetches the page.
// Never while the page is hidden or somebody types in it, nor where the reader wants to save data.
(function () {
  "use strict";
  var root = document.querySelector("[data-pulse]");
  if (!root || !root.dataset.pulse || !window.fetch || !window.DOMParser) return;
  var EVERY = 20000, QUIET = 120000, LONGEST = 600000, wait = EVERY, mark = null, asked = 0, timer = 0, isWaiting = false;
  // What the server sent of each part: what a reader opens in it, or a script adds to it, is no news.
  var sent = {};
  function piecesOf(part) {
    var isPlain = Array.prototype.some.call(part.childNodes, function (each) { return each.nodeType === 3 && each.data.trim(); });
    return isPlain ? null : Array.prototype.map.call(part.children, function (each) { return { html: each.outerHTML, node: each }; });
  }
  root.querySelectorAll("[data-live]").forEach(function (part) { sent[part.dataset.live] = { html: part.innerHTML, pieces: piecesOf(part) }; });

  function savesData() {
    var line = navigator.connection;
    return Boolean(line && line.saveData) || window.matchMedia("(prefers-reduced-data: reduce)").matches;
  }
  var lists = new WeakMap(), opened = new WeakSet();
  function note() {
    root.querySelectorAll("details[open]").forEach(function (fold) { opened.add(fold); });
    root.querySelectorAll("select").forEach(function (list) { if (!lists.has(list)) lists.set(list, list.selectedIndex); });
  }
  function isTyping() {
    var at = document.activeElement;
    if (at && root.contains(at) && /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return true;
    // A form that the reader opened is one they are about to fill in.
    if (Array.prototype.some.call(root.querySelectorAll("details[open]"), function (fold) { return !opened.has(fold) && fold.querySelector("form"); })) return true;
    return Array.prototype.some.call(root.querySelectorAll("textarea, select, input:not([type=hidden]):not([type=range])"), function (field) {
      if (field.options) return lists.get(field) !== field.selectedIndex;
      return /^(checkbox|radio)$/.test(field.type) ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
    });
  }
  function plan() {
    clearTimeout(timer);
    if (!document.hidden && !savesData()) timer = setTimeout(ask, wait);
  }
  function ask() {
    if (document.hidden) return;
    if (isWaiting) { renew(); plan(); return; }
    asked = Date.now();
    fetch(root.dataset.pulse, { cache: "no-cache", headers: { "X-Watching": "1" } }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      var now = answer.headers.get("ETag"), isNews = mark !== null && now !== mark;
      mark = now;
      // Where nothing happens there is less and less to ask.
      wait = isNews ? EVERY : Math.min(QUIET, Math.max(EVERY, wait * 1.2));
      if (isNews) renew();
    }).catch(function () { wait = Math.min(LONGEST, wait * 2); }).then(plan);
  }
  function renew() {
    isWaiting = isTyping();
    if (isWaiting) return;
    fetch(location.href, { cache: "no-store", headers: { "X-Watching": "1" } }).then(function (answer) {
      if (!answer.ok) throw new Error(String(answer.status));
      return answer.text();
    }).then(function (text) {
      isWaiting = isTyping(); // somebody may have begun meanwhile
      if (!isWaiting) swap(new DOMParser().parseFromString(text, "text/html"));
    }).catch(function () { isWaiting = true; }); // the next time that we look
  }
  function swap(page) {
    var fresh = page.querySelector("[data-pulse]");
    if (!fresh) return;
    root.querySelectorAll("[data-live]").forEach(function (part) {
      var other = fresh.querySelector('[data-live="' + part.dataset.live + '"]');
      if (other && other.innerHTML !== sent[part.dataset.live].html && !part.contains(document.activeElement)) change(part, document.importNode(other, true));
    });
    if (fresh.dataset.said !== root.dataset.said) {
      root.dataset.said = fresh.dataset.said;
      root.querySelectorAll("[data-announce]").forEach(function (place) { place.textContent = fresh.dataset.said; });
    }
    note();
    document.dispatchEvent(new CustomEvent("wenlu:changed"));
  }
  /* Only the pieces that are new come in; the others stay as they are, with what was opened in them. */
  function change(part, other) {
    var before = sent[part.dataset.live].pieces, now = { html: other.innerHTML, pieces: piecesOf(other) };
    sent[part.dataset.live] = now;
    if (!before || !now.pieces) {
      part.replaceChildren.apply(part, Array.prototype.slice.call(other.childNodes));
      now.pieces = now.pieces && piecesOf(part);
      return flash(part);
    }
    now.pieces.forEach(function (piece) {
      var known = before.findIndex(function (each) { return each.html === piece.html; });
      if (known >= 0) piece.node = before.splice(known, 1)[0].node; else flash(piece.node);
    });
    before.forEach(function (piece) { piece.node.remove(); });
    now.pieces.forEach(function (piece, at) { if (part.children[at] !== piece.node) part.insertBefore(piece.node, part.children[at] || null); });
  }
  function flash(node) {
    node.classList.remove("is-fresh");
    void node.offsetWidth; // begins the animation anew
    node.classList.add("is-fresh");
  }
  document.addEventListener("visibilitychange", function () {
    clearTimeout(timer);
    if (document.hidden) return;
    if (Date.now() - asked > EVERY) ask(); else plan();
  });
  note();
  if (!savesData()) ask();
}());
