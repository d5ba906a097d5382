// The map of progress: areas coloured by class, a slider through the months, and the table beside it kept in step.
(function () {
  "use strict";
  var language = document.documentElement.lang || "en", whole = new Intl.NumberFormat(language);
  var percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });

  window.wenlu.progress = function (map, given) {
    var box = map.wenluBox, group = L.layerGroup(), layer = null, period = given.period, isShare = given.measure === "on_time", shapes = {};
    var codes = Object.keys(given.areas), names = {}, figures = {};
    codes.forEach(function (code) { names[code] = given.areas[code][0]; figures[code] = given.areas[code][1]; });
    // All areas together stand under no code; what is judged too rarely has no share.
    figures[""] = figures[codes[0]].map(function (_, at) {
      return [0, 1, 2, 3, 4].map(function (column) { return codes.reduce(function (sum, code) { return sum + figures[code][at][column]; }, 0); });
    });
    function share(row) { return row[0] >= given.smallest ? row[1] / row[0] : null; }
    function value(code) { var row = figures[code][period], found = share(row); return !isShare ? row[2] : found === null ? null : Math.round(found * 100) / 100; }
    function classOf(found) { return found === null ? 0 : given.breaks.filter(function (limit) { return found >= limit; }).length + 1; }
    function shareWords(row) { var found = share(row); return found !== null ? percent.format(found) : row[0] ? box.dataset.few : "–"; }
    function words(code) { return isShare ? shareWords(figures[code][period]) : whole.format(figures[code][period][2]); }
    function style(feature) {
      var found = classOf(value(feature.properties.code));
      return {
        color: wenlu.colour("edge"), weight: 1.2, fillColor: wenlu.colour(given.measure.replace("_", "-") + "-" + found),
        fillOpacity: found ? 0.86 : 0.5, dashArray: found ? null : "3 4"
      };
    }
    function popup(code) {
      var part = document.createElement("div"), name = document.createElement("strong"), line = document.createElement("p"), link = document.createElement("a"), row = figures[code][period];
      name.textContent = names[code];
      line.textContent = shareWords(row) + " " + box.dataset.kept + " · " + whole.format(row[2]) + " " + box.dataset.open;
      link.href = "/map?area=" + encodeURIComponent(given.layer + ":" + code);
      link.textContent = box.dataset.reports;
      part.append(name, line, link);
      return part;
    }
    function label(code) {
      var shape = shapes[code], bounds = shape.getBounds(), a = map.latLngToLayerPoint(bounds.getNorthWest()), b = map.latLngToLayerPoint(bounds.getSouthEast());
      var isWide = b.x - a.x > 54 && b.y - a.y > 26;
      if (isWide && !shape.getTooltip()) shape.bindTooltip("", { permanent: true, direction: "center", className: "map-figure", interactive: false });
      if (!isWide && shape.getTooltip()) shape.unbindTooltip();
      if (isWide) shape.setTooltipContent(value(code) === null ? "–" : words(code));
    }
    function draw() {
      if (!layer) return;
      layer.setStyle(style);
      Object.keys(shapes).forEach(label);
    }
    function tell() {
      document.querySelectorAll("#figures tr[data-code]").forEach(function (line) {
        var code = line.dataset.code, row = figures[code][period], cells = line.querySelectorAll("td"), mark = line.querySelector(".swatch");
        [shareWords(row), whole.format(row[2]), whole.format(row[3]), whole.format(row[4])].forEach(function (text, at) { cells[at].textContent = text; });
        if (mark) mark.className = "swatch " + given.measure + "-" + classOf(value(code));
      });
      draw();
    }
    fetch(box.dataset.boundaries).then(function (answer) { return answer.json(); }).then(function (data) {
      data.features = data.features.filter(function (each) { return figures[each.properties.code]; });
      layer = L.geoJSON(data, {
        style: style,
        onEachFeature: function (feature, shape) {
          shapes[feature.properties.code] = shape;
          shape.bindPopup(function () { return popup(feature.properties.code); });
        }
      }).addTo(group);
      map.fitBounds(layer.getBounds(), { padding: [8, 8] });
      draw();
      map.on("zoomend", draw);
    }).catch(function () {});
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
    slide(function (at) { period = at; tell(); });
    return group;
  };

  /* The slider takes the place of the list of months; without a script the list and its button do the same. */
  function slide(show) {
    var form = document.getElementById("time"), slider = document.getElementById("slider"), play = document.getElementById("play"), when = document.getElementById("when");
    var list = document.getElementById("month"), said = document.getElementById("said"), caption = document.querySelector("[data-when]"), timer = 0;
    form.querySelector(".plain-time").hidden = true;
    form.querySelector(".slide").hidden = false;
    function move(at) {
      var name = list.options[at].textContent, address = new URL(location.href);
      slider.value = at;
      list.selectedIndex = at;
      when.textContent = caption.textContent = name;
      slider.setAttribute("aria-valuetext", name);
      if (list.value) address.searchParams.set("month", list.value); else address.searchParams.delete("month");
      history.replaceState(null, "", address);
      document.querySelectorAll(".tabs a").forEach(function (link) {
        var other = new URL(link.href);
        if (list.value) other.searchParams.set("month", list.value); else other.searchParams.delete("month");
        link.href = other;
      });
      show(at);
    }
    function stop() {
      clearInterval(timer);
      timer = 0;
      play.setAttribute("aria-pressed", "false");
      play.textContent = play.dataset.play;
      said.textContent = when.textContent;
    }
    slider.setAttribute("aria-valuetext", when.textContent);
    slider.addEventListener("input", function () { if (timer) stop(); move(Number(slider.value)); });
    slider.addEventListener("change", function () { said.textContent = when.textContent; });
    play.addEventListener("click", function () {
      if (timer) { stop(); return; }
      play.setAttribute("aria-pressed", "true");
      play.textContent = play.dataset.pause;
      if (Number(slider.value) === Number(slider.max)) move(1);
      timer = setInterval(function () {
        if (Number(slider.value) >= Number(slider.max)) stop(); else move(Number(slider.value) + 1);
      }, 1100);
    });
  }
}());
