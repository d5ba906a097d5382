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
  function popup(feature) {
    var box = document.createElement("div"), link = document.createElement("a"), p = feature.properties;
    link.href = "/r/" + encodeURIComponent(p.token);
    link.textContent = p.service;
    box.append(link);
    [p.text, p.unit].forEach(function (text) {
      if (!text) return;
      var line = document.createElement("p");
      line.textContent = text;
      box.append(line);
    });
    return box;
  }
  window.wenlu.reports = function (map) {
    var box = map.wenluBox, layer = L.geoJSON(null, { pointToLayer: marker });
    layer.bindPopup(function (target) { return popup(target.feature); });
    if (box.dataset.boundaries) {
      fetch(box.dataset.boundaries).then(function (a) { return a.json(); }).then(function (data) {
        L.geoJSON(data, { interactive: false, style: { color: wenlu.colour("line-strong"), weight: 1.2, dashArray: "5 4", fill: false } }).addTo(map);
        data.features = data.features.filter(function (each) { return each.properties.code === box.dataset.area; });
        if (!data.features.length) return;
        var chosen = L.geoJSON(data, { interactive: false, style: { color: wenlu.colour("way"), weight: 3, fill: true, fillOpacity: 0.07 } }).addTo(map);
        map.fitBounds(chosen.getBounds(), { padding: [20, 20] });
      }).catch(function () {});
    }
    var note = L.control({ position: "bottomleft" });
    note.onAdd = function () { var p = L.DomUtil.create("p", "map-note"); p.textContent = box.dataset.more; return p; };
    var asked = 0, isFirst = true;
    function load() {
      var number = ++asked, view = map.getBounds().pad(0.1), address = box.dataset.reports;
      // The first answer holds the newest of all: the map begins where they are, within the city's boundaries.
      if (!isFirst) {
        var round = function (value, most) { return Math.max(-most, Math.min(most, value)).toFixed(4); };
        address += (address.indexOf("?") < 0 ? "?" : "&") + "bbox=" + [round(view.getWest(), 180), round(view.getSouth(), 90), round(view.getEast(), 180), round(view.getNorth(), 90)].join(",");
      }
      fetch(address).then(function (a) { return a.json(); }).then(function (data) {
        if (number !== asked || !data.features) return;
        layer.clearLayers();
        layer.addData(data);
        resize();
        if (data.is_cut) note.addTo(map); else note.remove();
        var inside = data.features.filter(function (each) { return !each.properties.is_outside; }), start = isFirst;
        isFirst = false;
        if (start && inside.length && !box.dataset.area) map.fitBounds(L.geoJSON(inside).getBounds().pad(0.1), { maxZoom: 15 });
      }).catch(function () {});
    }
    function resize() { layer.setStyle({ radius: size(map.getZoom()) }); }
    map.on("zoomend", resize);
    var timer;
    map.on("moveend", function () { clearTimeout(timer); timer = setTimeout(load, 250); });
    // Somebody reads a popup: it stays, and what has changed is drawn when it is closed.
    document.addEventListener("wenlu:changed", function () {
      if (layer.isPopupOpen()) map.once("popupclose", load); else load();
    });
    load();
    return layer;
  };
}());
