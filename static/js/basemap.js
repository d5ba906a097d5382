// Draws a Leaflet map on the city's own basemap, or on raster tiles where the installation has some.
(function () {
  "use strict";
  var css = getComputedStyle(document.documentElement);
  function colour(name) { return css.getPropertyValue("--" + name).trim(); }

  // What is drawn first; then, for streets, the pixels at zooms: [zoom, width, zoom, width, …], nothing before the first.
  var GROUND = { built: "built", dense: "dense", works: "works", campus: "campus", wood: "wood", hill: "hill-low", "hill-middle": "hill-middle", "hill-top": "hill-top" };
  var WIDTHS = {
    lane: [14, 0.6, 16, 3, 19, 11], local: [13, 0.5, 15, 3, 17, 8, 19, 18], collector: [11, 0.5, 13, 1.7, 15, 5, 17, 12, 19, 26],
    main: [9, 0.7, 12, 2.2, 14, 5.5, 16, 12, 19, 34], express: [9, 1, 12, 2.6, 14, 6.5, 16, 14, 19, 38], other: [10, 1, 13, 2, 16, 6, 19, 16]
  };
  var NEAR = 13; // from here on small streets are seen, and asked for
  var ORDER = ["lane", "local", "other", "collector", "main", "express"];
  var NAMED_FROM = { express: 12, main: 12, collector: 15, other: 14, local: 16, lane: 17 };
  // Labels of points: first and last zoom, size, weight, colour.
  var POINTS = {
    park: [13.5, 20, 11, 500, "label-green"], district: [9, 13, 15, 600, "label"], street: [13.5, 16, 12, 500, "label-soft"], hill: [12, 20, 12, 500, "label-green"],
    sea: [9, 20, 15, 500, "label-water"], river: [11, 20, 12, 500, "label-water"], lake: [12, 20, 12, 500, "label-water"]
  };

  function between(stops, zoom) {
    if (zoom < stops[0]) return 0;
    for (var i = 2; i < stops.length; i += 2) {
      if (zoom <= stops[i]) return stops[i - 1] + (stops[i + 1] - stops[i - 1]) * (zoom - stops[i - 2]) / (stops[i] - stops[i - 2]);
    }
    return stops[stops.length - 1];
  }

  function nameOf(properties) {
    var language = document.documentElement.lang || "en";
    return properties["name_" + (language.indexOf("zh") === 0 ? "zh_Hans" : language)] || properties.name_en || properties.name || "";
  }

  /* Shapes are kept as parts of the whole world, 0 to 1, so that every zoom is one multiplication away. */
  function shapeOf(feature) {
    var lines = [], box = [2, 2, -1, -1], geometry = feature.geometry, kind = String(feature.properties.kind || "");
    function ring(points) {
      lines.push(points.map(function (at) {
        var y = Math.sin(at[1] * Math.PI / 180), p = [at[0] / 360 + 0.5, 0.5 - Math.log((1 + y) / (1 - y)) / (4 * Math.PI)];
        box = [Math.min(box[0], p[0]), Math.min(box[1], p[1]), Math.max(box[2], p[0]), Math.max(box[3], p[1])];
        return p;
      }));
    }
    var depth = { Point: 0, LineString: 1, MultiLineString: 2, Polygon: 2, MultiPolygon: 3 }[geometry.type];
    (function walk(part, level) {
      if (level === 0) ring([part]); else if (level === 1) ring(part); else part.forEach(function (each) { walk(each, level - 1); });
    }(geometry.coordinates, depth));
    return { layer: String(feature.properties.layer || ""), kind: kind, type: geometry.type, lines: lines, box: box, name: nameOf(feature.properties) };
  }

  function sorted(features) {
    var found = { areas: [], water: [], rail: [], streets: {}, points: [], parks: [] };
    ORDER.forEach(function (kind) { found.streets[kind] = []; });
    features.map(shapeOf).forEach(function (shape) {
      if (shape.type === "Point") found.points.push(shape);
      else if (shape.layer.indexOf("water") === 0) found.water.push(shape);
      else if (/Line/.test(shape.type)) (shape.layer === "rail" ? found.rail : found.streets[shape.kind] || found.streets.other).push(shape);
      else {
        found.areas.push(shape);
        if (shape.layer.indexOf("park") === 0 && shape.name) found.parks.push(shape); // those without a label of their own
      }
    });
    found.areas.sort(function (a, b) { return rank(a) - rank(b); });
    return found;
  }
  function rank(shape) { var place = Object.keys(GROUND).indexOf(shape.kind); return place < 0 ? 99 : place; }

  var BaseLayer = L.GridLayer.extend({
    initialize: function (options) {
      L.GridLayer.prototype.initialize.call(this, options);
      this._features = [];
      this._pen = document.createElement("canvas").getContext("2d");
    },

    /* Take in more of the city, and draw it all again. */
    add: function (data) {
      this._features = this._features.concat(data.features);
      this._shapes = sorted(this._features);
      this._labels = {};
      if (this._map) this.redraw();
    },

    createTile: function (coords) {
      var size = this.getTileSize(), ratio = Math.min(2, (window.devicePixelRatio || 1) * 1.4), tile = document.createElement("canvas");
      tile.width = size.x * ratio;
      tile.height = size.y * ratio;
      var pen = tile.getContext("2d"), world = size.x * Math.pow(2, coords.z), view = {
        x: coords.x * size.x, y: coords.y * size.y, world: world, size: size.x, zoom: coords.z, pen: pen,
        box: [coords.x * size.x / world, coords.y * size.y / world, (coords.x + 1) * size.x / world, (coords.y + 1) * size.y / world]
      };
      pen.scale(ratio, ratio);
      pen.fillStyle = colour("land");
      pen.fillRect(0, 0, size.x, size.y);
      pen.lineJoin = pen.lineCap = "round";
      this._paint(view);
      this._write(view);
      return tile;
    },

    _paint: function (view) {
      var shapes = this._shapes;
      shapes.areas.forEach(function (shape) { fill(view, shape, colour(GROUND[shape.kind] || "park")); });
      shapes.water.forEach(function (shape) {
        if (/Line/.test(shape.type)) stroke(view, shape, colour("water"), 3); else fill(view, shape, colour("water"));
      });
      if (view.zoom >= 11) shapes.rail.forEach(function (shape) { stroke(view, shape, colour("rail"), view.zoom > 14 ? 2 : 1); });
      ["road-edge", ""].forEach(function (edge) {
        ORDER.forEach(function (kind) {
          var width = between(WIDTHS[kind], view.zoom), ink = edge || (kind === "express" ? "road-express" : kind === "main" ? "road-main" : "road");
          if (!width || (edge && width < 1.6)) return;
          shapes.streets[kind].forEach(function (shape) { stroke(view, shape, colour(ink), edge ? width + 1.4 : width); });
        });
      });
    },

    /* Labels are laid out once for the whole city at a zoom, so that tiles beside each other agree. */
    _write: function (view) {
      var pen = view.pen;
      this._labels[view.zoom] = this._labels[view.zoom] || layout(this._shapes, view, this._pen);
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      pen.strokeStyle = colour("label-halo");
      pen.lineWidth = 3;
      this._labels[view.zoom].forEach(function (label) {
        var x = label.x - view.x, y = label.y - view.y, reach = label.reach;
        if (x < -reach || y < -reach || x > view.size + reach || y > view.size + reach) return;
        pen.save();
        pen.translate(x, y);
        pen.rotate(label.angle);
        pen.font = label.font;
        pen.strokeText(label.text, 0, 0);
        pen.fillStyle = label.ink;
        pen.fillText(label.text, 0, 0);
        pen.restore();
      });
    }
  });

  function isSeen(view, shape, margin) {
    var more = (margin || 0) / view.world, box = shape.box;
    return box[0] <= view.box[2] + more && box[2] >= view.box[0] - more && box[1] <= view.box[3] + more && box[3] >= view.box[1] - more;
  }
  function trace(view, shape) {
    view.pen.beginPath();
    shape.lines.forEach(function (line) {
      line.forEach(function (at, i) { view.pen[i ? "lineTo" : "moveTo"](at[0] * view.world - view.x, at[1] * view.world - view.y); });
    });
  }
  function fill(view, shape, ink) {
    if (!isSeen(view, shape)) return;
    trace(view, shape);
    view.pen.fillStyle = ink;
    view.pen.fill("evenodd");
  }
  function stroke(view, shape, ink, width) {
    if (!isSeen(view, shape, width)) return;
    trace(view, shape);
    view.pen.strokeStyle = ink;
    view.pen.lineWidth = width;
    view.pen.stroke();
  }

  function layout(shapes, view, pen) {
    var taken = {}, found = [], zoom = view.zoom, sans = colour("sans") || "sans-serif";
    function place(text, x, y, angle, size, weight, ink) {
      var font = weight + " " + size + "px " + sans;
      pen.font = font;
      var half = pen.measureText(text).width / 2 + 4, tall = size * 0.8;
      var wide = Math.abs(Math.cos(angle)) * half + Math.abs(Math.sin(angle)) * tall, high = Math.abs(Math.sin(angle)) * half + Math.abs(Math.cos(angle)) * tall;
      var cells = [], step = 48;
      for (var i = Math.floor((x - wide) / step); i <= Math.floor((x + wide) / step); i++)
        for (var j = Math.floor((y - high) / step); j <= Math.floor((y + high) / step); j++) cells.push(i + ":" + j);
      var hits = cells.some(function (cell) {
        return (taken[cell] || []).some(function (other) { return Math.abs(other[0] - x) < other[2] + wide && Math.abs(other[1] - y) < other[3] + high; });
      });
      if (hits) return false;
      cells.forEach(function (cell) { (taken[cell] = taken[cell] || []).push([x, y, wide, high]); });
      found.push({ text: text, x: x, y: y, angle: angle, font: font, ink: colour(ink), reach: half + size });
      return true;
    }
    shapes.points.forEach(function (shape) {
      var how = POINTS[shape.kind];
      if (how && zoom >= how[0] && zoom <= how[1] && shape.name) place(shape.name, shape.lines[0][0][0] * view.world, shape.lines[0][0][1] * view.world, 0, how[2], how[3], how[4]);
    });
    ORDER.slice().reverse().forEach(function (kind) {
      if (zoom >= NAMED_FROM[kind]) shapes.streets[kind].forEach(function (shape) { along(shape, view, zoom < 14 ? 10.5 : 11.5, pen, sans, place); });
    });
    if (zoom >= 14) shapes.parks.forEach(function (shape) {
      place(shape.name, (shape.box[0] + shape.box[2]) / 2 * view.world, (shape.box[1] + shape.box[3]) / 2 * view.world, 0, 11, 500, "label-green");
    });
    return found;
  }

  /* A street's name stands on the street, where it is straight for long enough; long streets bear it again and again. */
  function along(shape, view, size, pen, sans, place) {
    if (!shape.name) return;
    pen.font = "500 " + size + "px " + sans;
    var need = pen.measureText(shape.name).width + 14;
    shape.lines.forEach(function (line) {
      var at = line.map(function (p) { return [p[0] * view.world, p[1] * view.world]; }), walked = need, next = need;
      for (var i = 0, j = 1; j < at.length; j++) {
        var dx = at[j][0] - at[i][0], dy = at[j][1] - at[i][1], chord = Math.hypot(dx, dy);
        if (chord < need) continue;
        walked += chord;
        if (walked >= next && isStraight(at, i, j, size)) {
          var angle = Math.atan2(dy, dx);
          if (angle > Math.PI / 2) angle -= Math.PI; else if (angle <= -Math.PI / 2) angle += Math.PI;
          if (place(shape.name, (at[i][0] + at[j][0]) / 2, (at[i][1] + at[j][1]) / 2, angle, size, 500, "label-soft")) next = walked + 420;
        }
        i = j;
      }
    });
  }
  function isStraight(at, i, j, size) {
    var dx = at[j][0] - at[i][0], dy = at[j][1] - at[i][1], chord = Math.hypot(dx, dy);
    for (var k = i + 1; k < j; k++) {
      if (Math.abs(dx * (at[k][1] - at[i][1]) - dy * (at[k][0] - at[i][0])) / chord > size * 0.45) return false;
    }
    return true;
  }

  function options(map, box) {
    if (box.dataset.tiles) {
      L.tileLayer(box.dataset.tiles, { attribution: box.dataset.attribution, maxZoom: 20 }).addTo(map);
      return;
    }
    var base = new BaseLayer({ pane: "basemap", maxZoom: 20 });
    function more(part, then) {
      fetch(box.dataset.basemap + "?part=" + part).then(function (answer) { return answer.json(); }).then(function (data) {
        base.add(data);
        if (then) then();
      }).catch(function () { box.classList.add("no-basemap"); });
    }
    more("coarse", function () {
      base.addTo(map);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function () { base.redraw(); });
      function near() { if (map.getZoom() >= NEAR) { map.off("zoomend", near); more("fine"); } }
      map.on("zoomend", near);
      near();
    });
  }

  function popup(href, title, lines) {
    var box = document.createElement("div"), link = document.createElement("a");
    link.href = href;
    link.textContent = title;
    box.append(link);
    lines.filter(Boolean).forEach(function (text) {
      var line = document.createElement("p");
      line.textContent = text;
      box.append(line);
    });
    return box;
  }
  function inView(map) {
    function round(value, most) { return Math.max(-most, Math.min(most, value)).toFixed(4); }
    var view = map.getBounds().pad(0.1);
    return "bbox=" + [round(view.getWest(), 180), round(view.getSouth(), 90), round(view.getEast(), 180), round(view.getNorth(), 90)].join(",");
  }
  function outlines(map, look) {
    fetch(map.wenluBox.dataset.boundaries).then(function (a) { return a.json(); }).then(function (data) {
      L.geoJSON(data, { interactive: false, style: { color: colour("line-strong"), weight: 1.2, dashArray: "5 4", fill: false } }).addTo(map);
      if (look.outlined) look.outlined(data);
    }).catch(function () {});
  }

  window.wenlu = {
    colour: colour,
    /* Reports for the part in view: `look` says how one is drawn, where it leads, what is told, and what follows an answer. */
    fetched: function (map, look) {
      var box = map.wenluBox, asked = 0, isFirst = true, layer = L.geoJSON(null, { pointToLayer: look.marker }), note = L.control({ position: "bottomleft" });
      layer.bindPopup(function (target) { var p = target.feature.properties; return popup(look.href + encodeURIComponent(p.token), p.service, look.lines(p)); });
      note.onAdd = function () { var p = L.DomUtil.create("p", "map-note"); p.textContent = box.dataset.more; return p; };
      if (box.dataset.boundaries) outlines(map, look);
      function load() {
        var number = ++asked, address = box.dataset.reports;
        // The first answer holds the newest of all: the map begins where they are, within the city's boundaries.
        if (!isFirst) address += (address.indexOf("?") < 0 ? "?" : "&") + inView(map);
        fetch(address).then(function (a) { return a.json(); }).then(function (data) {
          if (number !== asked || !data.features) return;
          layer.clearLayers();
          layer.addData(data);
          look.drawn(data, isFirst);
          if (data.is_cut) note.addTo(map); else note.remove();
          var inside = data.features.filter(function (each) { return !each.properties.is_outside; }), start = isFirst;
          isFirst = false;
          if (start && inside.length && !box.dataset.area && !box.dataset.near) map.fitBounds(L.geoJSON(inside).getBounds().pad(0.1), { maxZoom: 15 });
        }).catch(function () {});
      }
      load();
      return { layer: layer, load: load };
    },
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
