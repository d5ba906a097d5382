// The private link: its secret stands in the fragment and is exchanged by POST. Also: copy, and the small map.
(function () {
  "use strict";
  var page = document.getElementById("case");
  function openByLink() {
    if (!page || location.hash.length <= 20) return;
    var body = new URLSearchParams({ secret: location.hash.slice(1), csrf_token: page.dataset.csrf });
    history.replaceState(null, "", location.pathname);
    if (page.dataset.own !== "no") return;
    var words = document.getElementById("wrong-link");
    // Said only when it is so: what stands hidden in a page is read out by some, and found by others.
    function wrong() { if (words && !page.querySelector("[role=alert]")) words.after(words.content.cloneNode(true)); }
    fetch(page.dataset.open, { method: "POST", body: body, redirect: "manual" }).then(function (answer) {
      // The right secret is answered with a redirect, which a script cannot look into.
      if (answer.type === "opaqueredirect") location.reload(); else wrong();
    }).catch(wrong);
  }
  openByLink();
  // A link pasted over the address of the same page loads nothing anew.
  window.addEventListener("hashchange", openByLink);

  var box = document.getElementById("case-map");
  if (box && window.L) {
    var point = JSON.parse(box.dataset.point), at = [point[1], point[0]];
    var map = wenlu.map("case-map", { center: at, zoom: 15 });
    map.scrollWheelZoom.disable();
    if (box.dataset.coarse === "yes") {
      L.circle(at, { radius: 300, weight: 1, color: wenlu.colour("way"), fillColor: wenlu.colour("way"), fillOpacity: 0.25 }).addTo(map);
    } else {
      L.circleMarker(at, { radius: 9, weight: 3, color: wenlu.colour("sheet"), fillColor: wenlu.colour("way"), fillOpacity: 1 }).addTo(map);
    }
  }

  var copy = document.getElementById("copy-link"), link = document.getElementById("private-link");
  if (copy && link && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", function () {
      navigator.clipboard.writeText(link.value).then(function () { copy.textContent = copy.dataset.done; });
    });
  }
  if (link) link.addEventListener("focus", function () { link.select(); });
}());
