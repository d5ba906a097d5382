// The desk's map: the cases of the list in the part in view, by how they stand. All of them are in the list beside it.
(function () {
  "use strict";
  var TONES = { late: "bad", soon: "mark", closed: "good" };
  function marker(feature, at) {
    var p = feature.properties, tone = TONES[p.tone] || "way";
    return L.circleMarker(at, {
      radius: p.is_emergency ? 10 : 7, weight: p.is_emergency ? 4 : 2, color: wenlu.colour(p.is_emergency ? "bad" : "sheet"),
      fillColor: wenlu.colour(tone), fillOpacity: 0.95
    });
  }
  window.wenlu.reports = function (map) {
    var timer, isCut = false, shown = wenlu.fetched(map, {
      marker: marker, href: "/desk/case/", lines: function (p) { return [p.text, p.state + " · " + p.unit]; },
      drawn: function (data, isFirst) { isCut = data.is_cut || !isFirst; } // what one answer could not hold is asked for again where one looks
    });
    map.on("moveend", function () { if (!isCut) return; clearTimeout(timer); timer = setTimeout(shown.load, 250); });
    // Somebody reads a popup: it stays, and what has changed is drawn when it is closed.
    document.addEventListener("wenlu:changed", function () {
      if (shown.layer.isPopupOpen()) map.once("popupclose", shown.load); else shown.load();
    });
    return shown.layer;
  };
}());
