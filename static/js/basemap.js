// Draws a Leaflet map on the city's own basemap, or on raster tiles where the installation has some.
(function () {
  "use strict";
  var css = getComputedStyle(document.documentElement);
  function colour(name) { return css.getPropertyValue("--" + name).trim(); }

  function style(feature) {
    var layer = String(feature.properties.layer), kind = String(feature.properties.kind || "");
    if (layer.indexOf("water") === 0) return { stroke: false, fillColor: colour("water"), fillOpacity: 1, color: colour("water"), weight: 3 };
    if (layer.indexOf("park") === 0) return { stroke: false, fillColor: colour("park"), fillOpacity: 1 };
    return { color: colour("road"), weight: kind === "main" ? 4 : 2, opacity: 1, fill: false };
  }

  function options(map, box) {
    if (box.dataset.tiles) {
      L.tileLayer(box.dataset.tiles, { attribution: box.dataset.attribution, maxZoom: 20 }).addTo(map);
      return;
    }
    fetch(box.dataset.basemap).then(function (answer) { return answer.json(); }).then(function (data) {
      L.geoJSON(data, {
        style: function (feature) {
          var drawn = style(feature);
          if (/Line/.test(feature.geometry.type) && drawn.stroke === false) drawn.stroke = true;
          return drawn;
        },
        pointToLayer: function () { return L.layerGroup(); },
        interactive: false, pane: "basemap"
      }).addTo(map);
    }).catch(function () { box.classList.add("no-basemap"); });
  }

  window.wenlu = {
    colour: colour,
    map: function (id, start) {
      var box = document.getElementById(id);
      box.hidden = false;
      var map = L.map(box, { center: start.center, zoom: start.zoom, preferCanvas: true, zoomSnap: 0.5, attributionControl: Boolean(box.dataset.tiles) });
      map.createPane("basemap").style.zIndex = 200;
      box.setAttribute("role", "application");
      box.setAttribute("aria-label", box.dataset.label || "");
      options(map, box);
      map.wenluBox = box;
      return map;
    }
  };
}());
