// The public map: boundaries, and the reports of the part in view. Every report is also in the list beside it.
(function () {
  "use strict";
  function size(zoom) { return Math.max(4, Math.min(8, zoom - 7.5)); } // a whole city of dots must leave the city to be seen
  function marker(feature, at) {
    var open = feature.properties.status === "open";
    return L.circleMarker(at, {
      radius: 6, weight: open ? 3 : 1.5, color: open ? wenlu.colour("mark") : wenlu.colour("sheet"),
      fillColor: open ? wenlu.colour("sheet") : wenlu.colour("good"), fillOpacity: 0.95
    });
  }
  window.wenlu.reports = function (map) {
    var timer, shown = wenlu.fetched(map, { marker: marker, href: "/r/", lines: function (p) { return [p.text, p.unit]; }, outlined: choose, drawn: resize });
    function choose(data) {
      data.features = data.features.filter(function (each) { return each.properties.code === map.wenluBox.dataset.area; });
      if (!data.features.length) return;
      var chosen = L.geoJSON(data, { interactive: false, style: { color: wenlu.colour("way"), weight: 3, fill: true, fillOpacity: 0.07 } }).addTo(map);
      map.fitBounds(chosen.getBounds(), { padding: [20, 20] });
    }
    function resize() { shown.layer.setStyle({ radius: size(map.getZoom()) }); }
    map.on("zoomend", resize);
    map.on("moveend", function () { clearTimeout(timer); timer = setTimeout(shown.load, 250); });
    // Somebody reads a popup: it stays, and what has changed is drawn when it is closed.
    document.addEventListener("wenlu:changed", function () {
      if (shown.layer.isPopupOpen()) map.once("popupclose", shown.load); else shown.load();
    });
    return shown.layer;
  };
}());
