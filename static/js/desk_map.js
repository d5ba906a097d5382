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
  function popup(feature) {
    var box = document.createElement("div"), link = document.createElement("a"), p = feature.properties;
    link.href = "/desk/case/" + encodeURIComponent(p.token);
    link.textContent = p.service;
    box.append(link);
    [p.text, p.state + " · " + p.unit].forEach(function (text) {
      if (!text) return;
      var line = document.createElement("p");
      line.textContent = text;
      box.append(line);
    });
    return box;
  }
  function bounds(map) {
    function round(value, most) { return Math.max(-most, Math.min(most, value)).toFixed(4); }
    var view = map.getBounds().pad(0.1);
    return [round(view.getWest(), 180), round(view.getSouth(), 90), round(view.getEast(), 180), round(view.getNorth(), 90)].join(",");
  }
  window.wenlu.reports = function (map) {
    var box = map.wenluBox, layer = L.geoJSON(null, { pointToLayer: marker });
    layer.bindPopup(function (target) { return popup(target.feature); });
    if (box.dataset.boundaries) {
      fetch(box.dataset.boundaries).then(function (a) { return a.json(); }).then(function (data) {
        L.geoJSON(data, { interactive: false, style: { color: wenlu.colour("line-strong"), weight: 1.2, dashArray: "5 4", fill: false } }).addTo(map);
      }).catch(function () {});
    }
    var note = L.control({ position: "bottomleft" });
    note.onAdd = function () { var p = L.DomUtil.create("p", "map-note"); p.textContent = box.dataset.more; return p; };
    var asked = 0, isFirst = true, isCut = true, timer;
    function load() {
      var number = ++asked, address = box.dataset.reports;
      if (!isFirst) address += (address.indexOf("?") < 0 ? "?" : "&") + "bbox=" + bounds(map);
      fetch(address, { credentials: "same-origin" }).then(function (a) { return a.json(); }).then(function (data) {
        if (number !== asked || !data.features) return;
        layer.clearLayers();
        layer.addData(data);
        isCut = data.is_cut || !isFirst; // what one answer could not hold is asked for again where one looks
        if (data.is_cut) note.addTo(map); else note.remove();
        var inside = data.features.filter(function (each) { return !each.properties.is_outside; }), start = isFirst;
        isFirst = false;
        if (start && inside.length) map.fitBounds(L.geoJSON(inside).getBounds().pad(0.1), { maxZoom: 15 });
      }).catch(function () {});
    }
    map.on("moveend", function () { if (isFirst || !isCut) return; clearTimeout(timer); timer = setTimeout(load, 250); });
    load();
    return layer;
  };
}());
